"""One version for everything, and lists of libraries that are locked and fresh."""

import re
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib")

PROJECT = Path(__file__).parents[2]
LISTS = sorted(
    path
    for folder in ("ml", "orchestrator", "tests")
    for path in (PROJECT / folder).rglob("requirements*.txt")
    if not {".venv", ".local"} & set(path.parts)
)
DECLARED = sorted(path for path in (PROJECT / "ml").glob("pyproject.toml"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[\w,-]+\])?==([^\s;]+)")


def plain(name):
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(path):
    rows = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row and not row.startswith(("#", "-r", "--"))]


def test_version_is_semantic():
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", (PROJECT / "VERSION").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_library_is_locked(path):
    assert [row for row in lines(path) if not PIN.match(row) and " @ " not in row] == []


@pytest.mark.parametrize("path", DECLARED, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_lock_holds_what_is_declared(path):
    """A dependency that was added without locking again would be installed in any version."""
    asked = tomllib.loads(path.read_text(encoding="utf-8"))["project"].get("dependencies", [])
    names = {plain(re.split(r"[\[\s<>=!~;]", row, maxsplit=1)[0]) for row in asked}
    locked = {plain(PIN.match(row).group(1)) for row in lines(path.with_name("requirements.txt")) if PIN.match(row)}
    assert names - locked == set()
