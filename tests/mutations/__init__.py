"""What can go wrong in a project, one module an area: the check that must notice, and what its detail must say."""

import importlib
import pkgutil

from tests.checks_support import Addition, Fault, Mutation
from tests.mutations import sources

MUTATIONS: list[Mutation] = []
"""Requirement, variant, what goes wrong, how, and a part of the detail."""

SOURCES: list[Fault] = sources.SOURCES
"""Requirement, variant, what goes wrong in the files of a project, and how."""

ADDITIONS: list[Addition] = []
"""Requirement and a change of the default variant that must stay green."""

ABSENT: dict[str, set[str]] = {}
"""Variant -> requirements whose check finds that they do not apply, beyond what the catalogue says."""

FILE_ROWS: set[str] = set()
"""Requirements whose check reads files only: it holds without any resource."""

FILE_PAIRS: set[tuple[str, str]] = set()
"""Variant and requirement whose check reads files only in this variant, resources in others."""

for _found in pkgutil.iter_modules(__path__):
    if _found.name in ("common", "sources"):
        continue
    _area = importlib.import_module(f"{__name__}.{_found.name}")
    MUTATIONS += _area.MUTATIONS
    ADDITIONS += getattr(_area, "ADDITIONS", [])
    FILE_ROWS |= getattr(_area, "FILE_ROWS", set())
    FILE_PAIRS |= getattr(_area, "FILE_PAIRS", set())
    for _variant, _rows in getattr(_area, "ABSENT", {}).items():
        ABSENT.setdefault(_variant, set()).update(_rows)
