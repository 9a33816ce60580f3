"""What has aged in the decision tables: facts to read again, newer API versions, models and machines that retire.

Tables age in silence: a region opens, a version retires, and nothing fails until somebody deploys.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.compiler import Compiler, Diagnostic
from generator.paths import DECISIONS

AGE_DAYS = 180
"""A fact that was read longer ago is read again."""

AHEAD_DAYS = 365
"""How far ahead retirements are listed."""

DUE_DAYS = 90
"""A retirement that is nearer than this is work for now; a later one is only announced. A model lives about a year,
so most models are always within twelve months of their end."""

RULE = "use-recent-api-versions"
ACCEPTABLE = re.compile(r"Acceptable versions: ([\w, -]+)")
STABLE = re.compile(r"20\d\d-\d\d-\d\d")
SIZE = re.compile(r"\bStandard_\w+")


@dataclass(frozen=True)
class Note:
    """One thing to do or to plan.

    Args:
        topic: `row`, `api version`, `model` or `machine`.
        place: Table and row.
        says: What is to be done, one sentence.
        due: Whether it is work for now.
    """

    topic: str
    place: str
    says: str
    due: bool


Tables = Mapping[str, Mapping[str, Any]]
"""Name of a table -> key of a row -> cells."""


def load(folder: Path = DECISIONS) -> dict[str, dict[str, Any]]:
    """Every decision table, by name."""
    return {path.stem: yaml_text.read(path) for path in sorted(folder.glob("*.yml"))}


def notes(tables: Tables, today: date, compiler: Compiler | None = None) -> list[Note]:
    """Everything that has aged: what is due first, in the order of the tables.

    Args:
        tables: As from `load`.
        today: The day that counts.
        compiler: A started compiler, which knows API versions; None leaves them out.
    """
    found = [*_old_rows(tables, today), *_models(tables, today), *_machines(tables, today)]
    if compiler:
        found += _api_versions(tables["api-versions"], compiler)
    return sorted(found, key=lambda note: not note.due)


def undated(tables: Tables) -> list[str]:
    """Rows without a source or without the date on which it was read."""
    return [
        f"{table} {key}"
        for table, rows in tables.items()
        for key, row in rows.items()
        if not str(row.get("source", "")).startswith("https://") or _day(row.get("checked")) is None
    ]


def _old_rows(tables: Tables, today: date) -> Iterator[Note]:
    oldest = today - timedelta(days=AGE_DAYS)
    for table, rows in tables.items():
        for key, row in rows.items():
            read = _day(row.get("checked"))
            if read is None:
                yield Note("row", f"{table} {key}", "It has no date: read its source and write the day.", True)
            elif read < oldest:
                says = f"It was read on {read}, {(today - read).days} days ago: read {row.get('source')} again."
                yield Note("row", f"{table} {key}", says, True)


def _models(tables: Tables, today: date) -> Iterator[Note]:
    for key, row in tables.get("models", {}).items():
        if ends := _soon(row.get("retirement"), today):
            yield _retirement("model", f"models {key}", f"Version {row['version']}", "offer a newer one", ends, today)


def _machines(tables: Tables, today: date) -> Iterator[Note]:
    """Sizes of machines, in any table, that a row of the retired things speaks of."""
    families = {
        key: row for key, row in tables.get("retired", {}).items() if key.startswith("vm-") and _day(row["retired"])
    }
    for table, rows in tables.items():
        if table == "retired":
            continue
        for key, row in rows.items():
            for size in sorted(set(SIZE.findall(json.dumps(row, default=str)))):
                for family in families.values():
                    ends = _soon(family["retired"], today)
                    if ends and re.search(family["pattern"], size):
                        yield _retirement("machine", f"{table} {key}", size, f"use {family['instead']}", ends, today)


def _soon(value: Any, today: date) -> date | None:
    """A date within the next months, or past; None otherwise."""
    day = _day(value)
    return day if day and day <= today + timedelta(days=AHEAD_DAYS) else None


def _retirement(topic: str, place: str, what: str, instead: str, ends: date, today: date) -> Note:
    left = (ends - today).days
    when = f"retires on {ends}, in {left} days" if left >= 0 else f"retired on {ends}"
    return Note(topic, place, f"{what} {when}: {instead}.", left <= DUE_DAYS)


def _api_versions(table: Mapping[str, Any], compiler: Compiler) -> Iterator[Note]:
    """Types of which the compiler knows a newer stable version than the table.

    The linter of the compiler names the newest version of a type when versions of any age are too old for it. A preview
    is named only where there is no newer stable version, so previews with a reason stay quiet.
    """
    types = list(table)
    with tempfile.TemporaryDirectory() as folder:
        rules = {RULE: {"level": "warning", "maxAgeInDays": 0}}
        (Path(folder) / "bicepconfig.json").write_text(json.dumps({"analyzers": {"core": {"rules": rules}}}))
        path = Path(folder) / "types.bicep"
        path.write_text("".join(_declaration(number, kind, table[kind]) for number, kind in enumerate(types)))
        remarks = compiler.compile(path).diagnostics
    for remark in remarks:
        if newer := _newer(remark, table[types[remark.line - 1]]["version"]):
            kind = types[remark.line - 1]
            says = f"{table[kind]['version']} is used and {newer} is the newest stable version: try it."
            yield Note("api version", f"api-versions {kind}", says, True)


def _declaration(number: int, kind: str, row: Mapping[str, Any]) -> str:
    """One line that refers to a resource of a type; the name has as many parts as the type."""
    name = "/".join(["a"] * kind.count("/"))
    return f"resource r{number} '{kind}@{row['version']}' existing = {{ name: '{name}' }}\n"


def _newer(remark: Diagnostic, version: str) -> str | None:
    """The newest stable version that a remark names, where it is newer than ours."""
    found = ACCEPTABLE.search(remark.message) if remark.code == RULE else None
    stable = [item for item in found[1].split(", ") if STABLE.fullmatch(item)] if found else []
    newest = max(stable, default="")
    return newest if newest > version[:10] else None


def _day(value: Any) -> date | None:
    """A date as the tables write it; None where there is none."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
