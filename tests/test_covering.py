"""The covering array: rows are legal, hold what the array says, and no pair of answers that can meet is missing."""

from itertools import combinations

import pytest
import yaml

from generator import covering
from generator.answers import resolve
from generator.covering import cover
from generator.deduction import Deduction, Impossible
from generator.interview import Interview
from generator.levels import levels_of
from generator.paths import ROOT
from generator.refusals import template
from generator.sampling import sample
from tests.support import groundplan

INTERVIEW = Interview(template(ROOT))
SAMPLES = range(5000, 5025)
VERIFIED = 4
"""Rows of the array that are rendered, compiled, evaluated and checked."""


@pytest.fixture(scope="module")
def array():
    return cover()


def levels(chosen):
    """What the answers of an interview count as."""
    play, found = INTERVIEW.play(chosen), set()
    assert not play.stopped, play.stopped
    for question in INTERVIEW.template.questions:
        if play.steps[question.key].asked and not question.computed and question.ask is not False:
            options = INTERVIEW.options(question, play)
            found.update(levels_of(question, play.steps[question.key].value, options))
    return found


def pairs(chosen):
    return set(combinations(sorted(levels(chosen)), 2))


def test_rows_are_legal_and_hold_what_the_array_says(array):
    assert set().union(*map(pairs, array.rows)) == array.covered
    for row in array.rows[::10]:
        assert resolve(row)["environments"]


def test_some_rows_make_projects_that_hold(array, tmp_path):
    """The workflow `pairs.yml` verifies all rows; these show here and now that such projects can be."""
    some = array.rows[:: -(-len(array.rows) // VERIFIED)]
    for number, row in enumerate(some):
        (tmp_path / f"row-{number}.yml").write_text(yaml.safe_dump(row, allow_unicode=True), encoding="utf-8")
    run = groundplan("verify", "--no-tools", *sorted(tmp_path.glob("row-*.yml")))
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr


def test_every_pair_meets_or_is_refused_for_a_reason(array):
    known = sorted({level for pair in (*array.covered, *array.apart) for level in pair})
    every = {pair for pair in combinations(known, 2) if not covering.exclude(*pair)}
    assert array.undecided == set()
    assert array.covered & set(array.apart) == set()
    assert every == array.covered | set(array.apart)
    assert all(array.apart.values())


def test_random_legal_answer_sets_hold_no_pair_that_is_missing(array):
    missing = {pair: seed for seed in SAMPLES for pair in pairs(sample(seed)) - array.covered}
    assert missing == {}


@pytest.mark.parametrize(
    ("one", "other", "key", "says"),
    [
        ("allowed_ip_ranges none", "data_classification restricted", "network_posture", "behind public endpoints"),
        ("batch_platform databricks", "model_sources without own", "batch_platform", "only foundation models"),
        ("detail essentials", "gateway_tier premium", "gateway_tier", "detail == 'everything'"),
        ("gateway_tier premium", "reuse with api_management", "gateway_tier", "new_gateway"),
        ("mirror_percent 50", "own_model_hosting kubernetes", "mirror_percent", "only managed online endpoints"),
        ("data_residency region", "batch_platform foundry_batch", "batch_platform", "no batch deployments"),
    ],
)
def test_what_excludes_each_other_says_why(array, one, other, key, says):
    refusals = array.apart[tuple(sorted((one, other)))]
    assert any(row.key == key and says in row.says for row in refusals), refusals


def test_the_search_goes_back_as_far_as_it_must():
    deduction = Deduction(INTERVIEW)

    def worst_first(options, _):
        return sorted(options, key=lambda option: bin(option.levels).count("1"))

    deduction.search(0, worst_first)
    wanted = deduction.mask(["secondary_location elsewhere", "gateway_tier premium", "orchestrator container_apps"])
    found = deduction.search(wanted, worst_first)
    assert found.levels & wanted == wanted
    assert {"secondary_location elsewhere", "orchestrator container_apps"} <= levels(found.chosen)
    excluded = deduction.mask(["detail essentials", "gateway_tier premium"])
    assert isinstance(deduction.search(excluded, worst_first), Impossible)


def test_every_question_and_every_choice_is_in_it(array):
    known = {level for pair in array.covered for level in pair}
    asked = {item.key for item in INTERVIEW.template.questions if not item.computed and item.ask is not False}
    assert {level.partition(" ")[0] for level in known} == asked
    for key, values in {
        "profile": ("prototype", "production", "regulated"),
        "own_model_hosting": ("managed_endpoint", "kubernetes", "databricks"),
        "serving_runtime": ("mlflow", "custom", "triton", "vllm"),
        "gateway_tier": ("developer", "basic_v2", "standard_v2", "premium_v2", "premium"),
        "reuse": ("with databricks", "without databricks", "with hub_network", "without hub_network"),
        "location": ("swedencentral", "uksouth", "elsewhere"),
        "eda_seats": ("1", "50", "something else"),
        "eda_gpu": ("yes", "no"),
    }.items():
        assert {f"{key} {value}" for value in values} <= known, key


def test_a_seed_decides_the_rows():
    first, again, other = (covering._Builder(INTERVIEW, 2, seed) for seed in (1, 1, 2))
    rows = [[builder._row().chosen for _ in range(5)] for builder in (first, again, other)]
    assert rows[0] == rows[1] != rows[2]


def test_triples_are_counted_as_triples():
    builder = covering._Builder(INTERVIEW, 3, 1)
    row = builder._row()
    every = len(list(combinations(range(row.levels.bit_count()), 3)))
    assert builder.met.worth(row.levels) == builder._keep(row) == every
    assert builder.met.worth(row.levels) == builder._keep(row) == 0
    met = list(builder.met.all())
    assert len(met) == len(set(met)) == every
    assert all(levels.bit_count() == 3 and levels & row.levels == levels for levels in met)


def test_every_triple_of_some_levels_meets_or_is_refused(monkeypatch):
    """The same with three answers, of a few questions: of all it takes two minutes, which the weekly workflow has."""
    builder = covering._Builder(INTERVIEW, 3, 1)
    builder._keep(builder._row())
    keys = {"network_posture", "criticality", "environments", "internet_facing"}
    few = builder.deduction.mask(name for name in builder.deduction.names if name.partition(" ")[0] in keys)
    missing = builder._missing
    monkeypatch.setattr(builder, "_best", builder._row)
    monkeypatch.setattr(covering, "WORTH_IT", 10**9)
    monkeypatch.setattr(builder, "_missing", lambda size: (some for some in missing(size) if some & few == some))
    array = builder.build()
    named = [name for name in builder.deduction.names if name.partition(" ")[0] in keys]
    assert len(named) > 10 and array.undecided == set()
    for some in combinations(sorted(named), 3):
        pairs_of = list(combinations(some, 2))
        apart = any(covering.exclude(*pair) or pair in array.apart for pair in pairs_of)
        assert (some in array.covered) + (some in array.apart) + apart == 1, some
    assert any(len(some) == 2 for some in array.apart)


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.yml").write_text("profile: prototype\n")
    run = groundplan("cover", "--out", str(tmp_path))
    assert run.returncode != 0 and "is not empty" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yml"]
