"""The covering array: rows are legal, hold what the array says, and reach every question."""

from itertools import combinations

import pytest

from generator import covering
from generator.answers import resolve
from generator.covering import cover, labels_of
from generator.interview import Interview
from generator.paths import ROOT
from generator.refusals import template
from tests.support import groundplan

INTERVIEW = Interview(template(ROOT))


@pytest.fixture(scope="module")
def array():
    return cover()


def labels(chosen):
    """What the answers of an interview count as."""
    play, found = INTERVIEW.play(chosen), set()
    assert not play.stopped, play.stopped
    for question in INTERVIEW.template.questions:
        if play.steps[question.key].asked and not question.computed and question.ask is not False:
            options = covering.offered(question, INTERVIEW.options(question, play))
            found.update(labels_of(question, play.steps[question.key].value, options))
    return found


def test_rows_are_legal_and_hold_what_the_array_says(array):
    met = {pair for row in array.rows for pair in combinations(sorted(labels(row)), 2)}
    assert met == array.covered
    for row in array.rows[::10]:
        assert resolve(row)["environments"]


def test_every_question_and_every_choice_is_in_it(array):
    known = {label for pair in array.covered for label in pair}
    asked = {item.key for item in INTERVIEW.template.questions if not item.computed and item.ask is not False}
    assert {label.partition(" ")[0] for label in known} == asked
    for key, values in {
        "profile": ("prototype", "production", "regulated"),
        "own_model_hosting": ("managed_endpoint", "kubernetes", "databricks"),
        "serving_runtime": ("mlflow", "custom", "triton", "vllm"),
        "gateway_tier": ("developer", "basic_v2", "standard_v2", "premium_v2", "premium"),
        "reuse": ("with databricks", "without databricks", "with hub_network", "without hub_network"),
    }.items():
        assert {f"{key} {value}" for value in values} <= known, key


def test_a_seed_decides_the_rows():
    first, again, other = (covering._Builder(INTERVIEW, 2, seed) for seed in (1, 1, 2))
    rows = [[builder._row({}).chosen for _ in range(5)] for builder in (first, again, other)]
    assert rows[0] == rows[1] != rows[2]


def test_triples_are_counted_as_triples():
    builder = covering._Builder(INTERVIEW, 3, 1)
    row = builder._row({"detail": "essentials"})
    assert builder._keep(row) == len(list(combinations(row.labels, 3)))
    assert builder._keep(row) == 0


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.yml").write_text("profile: prototype\n")
    run = groundplan("cover", "--out", str(tmp_path))
    assert run.returncode != 0 and "is not empty" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yml"]
