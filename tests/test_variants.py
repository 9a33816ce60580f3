"""Every variant in every environment compiles without a word, evaluates, and keeps every requirement."""

import json
import re

import pytest
import yaml

from generator.answers import load, resolve, variants
from generator.paths import ROOT
from generator.verification import BROKEN, HOLDS, verify_evaluated
from tests.support import groundplan

NAMES = [variant.name for variant in variants()]
FOREIGN = {
    "gateway": r"\{\{[a-z-]+\}\}",
    "infra/modules/gateway": r"\{\{(name|\$\{item\.key\})\}\}",
    "ml/resources": r"\{\{job\.[a-z_.]+\}\}",
    "ml/src": r"f'  \{\{ ",
    "tests/resilience": r"\{\{retries\}\}",
}
"""Folder -> double braces that belong to the language of its files: named values, job parameters, format strings."""
AWKWARD = 'O\'Brien "Jo" ${x} {{y}} <z> & \\'


def test_there_are_variants_that_differ_in_everything_the_base_knows():
    answers = [resolve(load(variant.path)) for variant in variants()]
    assert len(answers) >= 8
    for key in (
        "profile",
        "network_posture",
        "criticality",
        "environments",
        "ci_platform",
        "data_residency",
        "customer_managed_keys",
    ):
        assert len({json.dumps(row[key]) for row in answers}) > 1, key
    assert {kind for row in answers for kind in row["reuse"]} == {
        "databricks",
        "api_management",
        "log_analytics",
        "container_registry",
        "ml_registry",
        "hub_network",
    }
    assert {name for row in answers for name in row["functions"]} == {
        "eda",
        "training",
        "fine_tuning",
        "online_inference",
        "batch_inference",
    }


@pytest.mark.parametrize("name", NAMES)
def test_variant_is_described(name):
    first = (ROOT / "variants" / f"{name}.yml").read_text().splitlines()[0]
    assert re.match(r"# .{20,}\.$", first)


@pytest.mark.parametrize("variant", NAMES)
def test_every_variant_holds(evaluated, variant):
    """What `groundplan verify` says of it, with every tool."""
    result = verify_evaluated(evaluated[variant], evaluated.compiler)
    assert result.diagnostics == []
    assert [tool for tool in result.tools if tool.verdict == BROKEN] == [] != result.tools
    assert [row for row in result.requirements if row.verdict == BROKEN] == []
    assert [row for row in result.requirements if row.verdict == HOLDS]


@pytest.mark.parametrize("name", NAMES)
def test_variant_has_no_scars(rendered_variants, name):
    """No blank-line runs but those of black, no trailing spaces, no leftover tags, a final newline, LF only."""
    for path in sorted((rendered_variants / name).rglob("*")):
        if not path.is_file():
            continue
        text = path.read_bytes().decode()
        where = path.relative_to(rendered_variants)
        inside = path.relative_to(rendered_variants / name).as_posix()
        assert text.endswith("\n") and not text.endswith("\n\n"), where
        assert "\r" not in text and not re.search(r"[ \t]+\n", text), where
        assert ("\n\n\n" not in text or path.suffix == ".py") and not text.startswith("\n"), where
        leftovers = re.sub(r"\$\{\{.*?\}\}", "", text.replace("{{y}}", "").replace("\\{\\{y\\}\\}", ""))
        for folder, pattern in FOREIGN.items():
            if inside.startswith(f"{folder}/"):
                leftovers = re.sub(pattern, "", leftovers)
        assert "{%" not in leftovers and "{{" not in leftovers, where


@pytest.mark.parametrize("variant", ["awkward-owner"])
def test_awkward_owner_survives_in_the_evaluated_resources(evaluated, variant):
    project = evaluated[variant]
    answers = yaml.safe_load((project.root / ".copier-answers.yml").read_text())
    assert answers["cost_center"] == AWKWARD and answers["project_name"] == AWKWARD
    tags = [item.body["tags"] for item in project.environments["prod"].resources if item.body.get("tags")]
    assert tags
    assert {row["costCenter"] for row in tags} == {AWKWARD}
    assert {row["owner"] for row in tags} == {"jo.o'brien@example.com"}


def test_random_legal_answers_hold(tmp_path):
    """Two random answer sets; docs/how-to/verify.md says how to run a hundred."""
    run = groundplan("render", "--random", "2", "--seed", "3", "--out", str(tmp_path))
    assert run.returncode == 0, run.stderr
    run = groundplan("verify", *map(str, sorted(tmp_path.iterdir())), "--json")
    assert run.stdout, run.stderr
    faults = [
        (
            project["project"],
            project["diagnostics"],
            [row for row in project["requirements"] if row["verdict"] == "broken"],
        )
        for project in json.loads(run.stdout)["projects"]
        if project["broken"]
    ]
    assert faults == []
