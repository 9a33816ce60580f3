"""The page about speed says what was measured, and which target is missed."""

import importlib.util
import subprocess

import pytest

from generator.benchmark import Measure, Results, draw, machine, our_template, page


@pytest.fixture
def results():
    return Results(
        [
            Measure("`a`", 2.0, "`b`", 1.0, 3.0, "Never said."),
            Measure("`c` of 2 variants", 3.0, "`d`", 1.0, 2.2, "Because."),
            Measure("`e`", 9.0, "`d`", 1.0, None),
        ],
        [(1, 1.0), (2, 1.5)],
        [(1, 2.0), (2, 4.0)],
        {"small": 200_000, "large": 800_000},
        99.0,
        True,
    )


def test_the_page_tells_what_is_missed_and_under_which_conditions(results):
    text = page(results)
    assert "| `a` | 2.0 | `b` | 1.0 | 2.00 | at most 3.00 | yes |" in text
    assert "| `c` of 2 variants | 3.0 | `d` | 1.0 | 3.00 | at most 2.20 | **no** |" in text
    assert "| `e` | 9.0 | `d` | 1.0 | 9.00 |  |  |" in text
    assert "- `c` of 2 variants: 3.00. Because." in text and "Never said." not in text
    assert "that of `large`: 0.80 MB" in text and "| 2 | 1.5 | 4.0 |" in text
    assert "A reduced run: 2 variants" in text and "busy with other work" in text
    assert text.count("\n# ") == 0 and "Every target is met." not in text


def test_the_machine_is_named(results):
    said = machine(results)
    assert "Copier 9." in said and "Bicep 0." in said and "load average 99.0" in said


def test_the_measured_template_has_two_versions(tmp_path):
    template = our_template(tmp_path)
    tags = subprocess.run(["git", "tag"], cwd=template, capture_output=True, text=True, check=True).stdout.split()
    assert tags == ["v1.0.0", "v1.1.0"]
    assert "One sentence more." in (template / "template/infra/modules/network/README.md").read_text()


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="the extra `bench` is not installed")
def test_the_picture_is_the_same_for_the_same_figures(results, tmp_path):
    draw(results, tmp_path / "one.svg")
    draw(results, tmp_path / "images" / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "images" / "two.svg").read_bytes()
