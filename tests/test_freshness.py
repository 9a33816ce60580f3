"""Facts age: what is old, what has a newer version and what retires is found, on the day that counts."""

import json
import shutil
from datetime import date, timedelta

import pytest

from generator import freshness
from generator.compiler import Compiler
from generator.freshness import AGE_DAYS, AHEAD_DAYS, DUE_DAYS, notes
from generator.paths import ROOT
from generator.tools.workflows import check_workflow_security, check_workflows
from tests.support import assert_refused, groundplan

TODAY = date(2026, 11, 28)


def row(**cells):
    return {"source": "https://example.com/page", "checked": str(TODAY), **cells}


def test_every_row_has_its_source_and_its_day():
    tables = freshness.load()
    assert {"api-versions", "machine-sizes", "models", "regions", "retired", "roles"} <= tables.keys()
    assert freshness.undated(tables) == []
    assert all(
        date.fromisoformat(str(item["checked"])) <= date.today() for rows in tables.values() for item in rows.values()
    )


@pytest.mark.parametrize("cells", [{"source": ""}, {"checked": ""}, {"checked": "soon"}, {"source": "a book"}])
def test_a_row_without_source_or_day_is_found(cells):
    assert freshness.undated({"regions": {"x": row(**cells), "y": row()}}) == ["regions x"]


@pytest.mark.parametrize(("days", "due"), [(0, False), (AGE_DAYS, False), (AGE_DAYS + 1, True)])
def test_rows_are_read_again_after_half_a_year(days, due):
    found = notes({"regions": {"x": row(checked=str(TODAY - timedelta(days=days)))}}, TODAY)
    assert [(note.topic, note.place, note.due) for note in found] == ([("row", "regions x", True)] if due else [])


@pytest.mark.parametrize(
    ("days", "listed", "due"),
    [
        (AHEAD_DAYS + 1, False, False),
        (AHEAD_DAYS, True, False),
        (DUE_DAYS + 1, True, False),
        (DUE_DAYS, True, True),
        (-1, True, True),
    ],
)
def test_models_and_machines_that_retire_are_listed_a_year_ahead(days, listed, due):
    ends = str(TODAY + timedelta(days=days))
    tables = {
        "models": {"m": row(version="1", retirement=ends)},
        "machine-sizes": {"training": row(cpu="Standard_D8ds_v4", gpu="Standard_NC6s_v3")},
        "retired": {
            "vm-nc": row(pattern=r"(?i)\bStandard_NC\d+r?s_v3\b", retired=ends, instead="newer ones"),
            "vm-other": row(pattern=r"\bStandard_B\d+", retired=ends, instead="newer ones"),
            "something": row(pattern="x", retired="", instead="y"),
        },
    }
    found = notes(tables, TODAY)
    expected = [("model", "models m", due), ("machine", "machine-sizes training", due)] if listed else []
    assert [(note.topic, note.place, note.due) for note in found] == expected
    assert all("Standard_NC6s_v3" in note.says for note in found if note.topic == "machine")


def test_newer_api_versions_are_those_that_the_compiler_knows():
    table = {
        "Microsoft.KeyVault/vaults": row(version="2023-07-01"),
        "Microsoft.KeyVault/vaults/keys": row(version="2023-07-01"),
        "Microsoft.Authorization/roleAssignments": row(version="2022-04-01"),
        "Microsoft.Insights/diagnosticSettings": row(version="2021-05-01-preview"),
    }
    with Compiler() as compiler:
        found = notes({"api-versions": table}, TODAY, compiler)
    assert [note.place for note in found] == [
        "api-versions Microsoft.KeyVault/vaults",
        "api-versions Microsoft.KeyVault/vaults/keys",
    ]
    assert all(note.due and "2023-07-01 is used and 20" in note.says and "preview" not in note.says for note in found)


def test_the_command_says_what_is_due_and_ends_with_1():
    run = groundplan("freshness", "--today", "2099-01-01", "--json")
    assert run.returncode == 1, run.stderr
    data = json.loads(run.stdout)
    tables = freshness.load()
    old = {note["place"] for note in data["notes"] if note["topic"] == "row"}
    assert old == {f"{table} {key}" for table, rows in tables.items() for key in rows}
    assert {f"models {key}" for key, cells in tables["models"].items() if cells["retirement"]} <= {
        note["place"] for note in data["notes"] if note["topic"] == "model" and note["due"]
    }


def test_a_wrong_day_is_refused():
    assert_refused(groundplan("freshness", "--today", "28.11.2026"), "28.11.2026 is no date")


def test_the_workflows_are_sound_pinned_and_may_do_little(tmp_path):
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    workflows = sorted(path.stem for path in (tmp_path / ".github/workflows").iterdir())
    assert workflows == ["ci", "freshness", "pairs"]
    for check in (check_workflows, check_workflow_security):
        result = check(tmp_path)
        assert (result.files, result.verdict) == (3, "holds"), result.faults
