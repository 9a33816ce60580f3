"""The catalogue: complete, well-formed, and in step with the checks."""

import json
import re
from collections import Counter

import pytest
import yaml

from generator.answers import load as load_answers
from generator.answers import resolve, variants
from generator.checks import registry
from generator.errors import GroundplanError
from generator.paths import GUIDANCE
from generator.requirements import AREAS, load
from tests.support import assert_refused, groundplan

# Number of requirements in each area of the guidance.
EXPECTED = {
    "GEN": 13,
    "SEC": 13,
    "NET": 10,
    "EDA": 8,
    "TRN": 9,
    "INF": 11,
    "BAT": 4,
    "GW": 16,
    "MON": 13,
    "SDP": 16,
    "COST": 3,
    "REL": 4,
}
BASE_PLATFORM = {
    "GEN": (1, 2, 3, 4, 5, 8, 9, 10, 11, 12),
    "SEC": (1, 3, 4, 5, 6, 7, 9, 10, 11),
    "NET": (1, 2, 3, 5, 6, 7, 8),
    "REL": (1,),
}


def test_every_requirement_is_there_once():
    catalogue = load()
    assert Counter(item.area for item in catalogue) == EXPECTED and sum(EXPECTED.values()) == 120
    for area, count in EXPECTED.items():
        assert [item.id for item in catalogue if item.area == area] == [f"{area}-{n:02}" for n in range(1, count + 1)]


def test_sentences_and_sources():
    for item in load():
        assert re.match(r"^[A-Z].{15,}\.$", item.sentence), item.id
        assert item.source.basis in ("guidance", "derived") and item.source.page.startswith("https://"), item.id
        assert item.evidence, item.id
    assert len({item.sentence for item in load()}) == 120


def test_the_base_platform_is_checked():
    checked = {item.id for item in load() if item.check}
    assert {f"{area}-{number:02}" for area, numbers in BASE_PLATFORM.items() for number in numbers} <= checked


def test_catalogue_and_checks_name_each_other():
    assert {item.id: item.check for item in load() if item.check} == {
        key: function.__name__ for key, function in registry().items()
    }


def test_every_condition_reads_answers_that_exist():
    """And is true for some variant and false for another, unless it always applies."""
    answers = [resolve(load_answers(variant.path)) for variant in variants()]
    for item in load():
        verdicts = {item.applies_to(each) for each in answers}
        assert verdicts == ({True} if item.applies == "true" else {True, False}), item.id


def test_asked_keys_exist():
    from generator.refusals import template

    known = {question.key for question in template().questions if not question.computed}
    for item in load():
        assert set(item.asks) <= known, item.id


BROKEN_ROWS = [
    ({"sentense": "x"}, "give exactly the known keys"),
    ({"id": "sec-1"}, "check id"),
    ({"level": "sometimes"}, "check id, level"),
    ({"sentence": "No full stop"}, "check id, level, sentence and how"),
    ({"applies": "private", "otherwise": ""}, "say in `otherwise`"),
    ({"id": "GEN-02"}, "is written twice"),
]


@pytest.mark.parametrize(("change", "says"), BROKEN_ROWS)
def test_broken_rows_are_refused(tmp_path, change, says):
    for area in AREAS:
        rows = yaml.safe_load((GUIDANCE / f"{area}.yml").read_text())
        if area == "general":
            rows[0].update(change)
        (tmp_path / f"{area}.yml").write_text(yaml.safe_dump(rows))
    load.cache_clear()
    with pytest.raises(GroundplanError, match=says):
        load(tmp_path)
    load.cache_clear()


def test_command_lists_and_filters():
    run = groundplan("requirements", "--area", "sec", "--json")
    assert run.returncode == 0, run.stderr
    assert [row["id"] for row in json.loads(run.stdout)] == [f"SEC-{n:02}" for n in range(1, 14)]
    missing = json.loads(groundplan("requirements", "--missing", "--json").stdout)
    assert missing == []
    run = groundplan("requirements")
    assert "of 120 requirements have a check." in run.stdout and "SEC-04" in run.stdout
    assert_refused(groundplan("requirements", "--area", "XYZ"), "choose one of GEN")
