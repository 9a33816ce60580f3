"""The table of mutations: it is complete and honest, and what is broken in the files of a project is noticed."""

from collections import Counter

import pytest

from tests.checks_support import BROKEN, both, judge, rebuild
from tests.mutation_table import GOAL, PAGE, TASKS, page, share, written
from tests.mutations import SOURCES


def test_every_mutation_has_its_row_and_no_other_is_there():
    text = PAGE.read_text(encoding="utf-8")
    rows = written(text)
    assert set(rows) == {task.key for task in TASKS}, "Run `python -m tests.mutation_table --new`."
    assert page([rows[task.key] for task in TASKS]) == text


def test_the_right_requirement_is_named_often_enough():
    rows = list(written(PAGE.read_text(encoding="utf-8")).values())
    assert len(rows) >= 60
    assert share(rows) >= GOAL
    assert all(row.good == (row.requirement in row.named.split(", ")) for row in rows)


def test_mutations_can_be_told_apart():
    assert [key for key, count in Counter(task.key for task in TASKS).items() if count > 1] == []


def layers():
    """The mutations of files in groups of one variant that break different requirements: one evaluation each."""
    found = []
    for row in SOURCES:
        fits = (group for group in found if group[0][1] == row[1] and row[0] not in {other[0] for other in group})
        group = next(fits, None)
        if group is None:
            found.append([row])
        else:
            group.append(row)
    return found


GROUPS = [
    pytest.param(
        group,
        id=f"{group[0][1]}, {len(group)} at once",
        marks=pytest.mark.xdist_group(f"variant-{group[0][1]}"),
    )
    for group in layers()
]


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_broken_in_files_is_named(evaluated, tmp_path, group):
    """All of a group at once: what each one does alone is in the table, and compiling sixty projects takes minutes."""
    change = both(*(row[3] for row in group))
    project = rebuild(evaluated[group[0][1]], change, tmp_path, evaluated.compiler)
    assert project.template, [remark.message for remark in project.diagnostics if remark.level == "Error"]
    silent = [f"{row[0]} {row[2]}" for row in group if judge(row[0], project)[0] != BROKEN]
    assert silent == []
