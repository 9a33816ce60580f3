"""The catalogue of requirements: what a platform that follows the guidance must show, as data.

`groundplan verify` and the reference page read the same rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jinja2

from generator import yaml_text
from generator.errors import GroundplanError
from generator.paths import GUIDANCE

AREAS = (
    "general",
    "security",
    "network",
    "exploration",
    "training",
    "inferencing",
    "batch",
    "gateway",
    "monitoring",
    "delivery",
    "cost",
    "reliability",
)
"""Files of the catalogue, in the order of the guidance."""

LEVELS = ("always", "conditional", "recommended")
KEYS = {"id", "sentence", "how", "level", "source", "asks", "applies", "otherwise", "evidence", "check"}

_jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)


@dataclass(frozen=True)
class Source:
    """Where a requirement comes from: the guidance itself, or a page from which it is derived."""

    basis: str
    page: str


@dataclass(frozen=True)
class Requirement:
    """One row of the catalogue.

    Args:
        id: Such as SEC-04.
        sentence: What must be true, in our words.
        how: How a project meets it: Markdown, in which Jinja expressions over the answers may stand.
        level: always, conditional or recommended.
        source: Where it comes from.
        asks: Questions whose answers tailor it.
        applies: Jinja expression over all answers.
        otherwise: Why it does not apply where `applies` is false.
        evidence: Where in a project it shows.
        check: Name of the function that checks it, or None while there is none.
    """

    id: str
    sentence: str
    how: str
    level: str
    source: Source
    asks: tuple[str, ...]
    applies: str
    otherwise: str
    evidence: tuple[str, ...]
    check: str | None

    @property
    def area(self) -> str:
        """The letters of the id."""
        return self.id.split("-")[0]

    def applies_to(self, answers: Mapping[str, Any]) -> bool:
        """Whether the requirement applies to a project with these answers (stored and computed)."""
        return holds(self.applies, answers)


def holds(expression: str, answers: Mapping[str, Any]) -> bool:
    """Whether a Jinja expression over all answers (stored and computed) is true."""
    return bool(_expression(expression)(**answers))


@cache
def _expression(text: str) -> Any:
    return _jinja.compile_expression(text, undefined_to_none=False)


@lru_cache(maxsize=2)
def load(folder: Path = GUIDANCE) -> tuple[Requirement, ...]:
    """The whole catalogue, in order.

    Raises:
        GroundplanError: A row is incomplete or has an unknown key, or an id appears twice.
    """
    found: list[Requirement] = []
    for area in AREAS:
        path = folder / f"{area}.yml"
        for row in yaml_text.read(path):
            found.append(_requirement(row, path))
    ids = [item.id for item in found]
    for item in ids:
        if ids.count(item) > 1:
            raise GroundplanError(f"Requirement {item} is written twice in {folder}: remove one.")
    return tuple(found)


def _requirement(row: Mapping[str, Any], path: Path) -> Requirement:
    where = f"{path.name}, {row.get('id', 'a row without id')}"
    if set(row) != KEYS:
        wrong = ", ".join(sorted(set(row) ^ KEYS))
        raise GroundplanError(f"{where}: give exactly the known keys (check {wrong}).")
    if (
        not re.fullmatch(r"[A-Z]{2,4}-\d\d", row["id"])
        or row["level"] not in LEVELS
        or not row["sentence"].endswith(".")
        or not row["how"].endswith(".")
    ):
        raise GroundplanError(f"{where}: check id, level, sentence and how.")
    if row["applies"] != "true" and not row["otherwise"]:
        raise GroundplanError(f"{where}: say in `otherwise` why it does not always apply.")
    return Requirement(
        row["id"],
        row["sentence"],
        row["how"],
        row["level"],
        Source(**row["source"]),
        tuple(row["asks"]),
        row["applies"],
        row["otherwise"],
        tuple(row["evidence"]),
        row["check"],
    )
