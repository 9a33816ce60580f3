"""Requirement checks: one function for a requirement, on the evaluated resources and the files of a project.

A check yields a finding for each thing that it looked at. One that finds nothing to look at has not held.
"""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from generator.evaluation import Project

AREAS = (
    "general",
    "security",
    "network",
    "reliability",
    "delivery",
    "exploration",
    "training",
    "inferencing",
    "batch",
    "gateway",
    "monitoring",
    "cost",
)
"""Modules of this package that register checks."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        holds: Whether it is as the requirement says.
        evidence: The resource or the file.
        detail: What is wrong and what to change; empty when it holds.
    """

    holds: bool
    evidence: str
    detail: str = ""


class DoesNotApply(Exception):  # noqa: N818 - an outcome, not an error
    """Raised with the reason when only the evaluated resources can tell that a requirement does not apply."""


Check = Callable[[Project], Iterable[Finding]]
REGISTRY: dict[str, Check] = {}
"""Requirement id -> its check."""

_C = TypeVar("_C", bound=Check)


def check(requirement: str) -> Callable[[_C], _C]:
    """Register a function as the check of a requirement, such as SEC-04."""

    def register(function: _C) -> _C:
        if requirement in REGISTRY and REGISTRY[requirement].__module__ != function.__module__:
            raise ValueError(f"{requirement} has two checks")
        REGISTRY[requirement] = function
        return function

    return register


def registry() -> dict[str, Check]:
    """Every check, from all areas."""
    for area in AREAS:
        importlib.import_module(f"generator.checks.{area}")
    return REGISTRY
