"""What a generated project checks by itself: each thing that an owner must not lose turns its own script red."""

import copy
import importlib.util
import shutil
import subprocess
import sys

import pytest

from generator.answers import load
from generator.compiler import find_compiler
from generator.paths import VARIANTS
from generator.rendering import render

SMALL = "training-only"
RESOURCES = {
    "an action group": ("microsoft.insights/actiongroups", "no action group reaches anybody"),
    "a diagnostic setting": ("microsoft.insights/diagnosticsettings", "sends no logs"),
    "a budget": ("microsoft.consumption/budgets", "no budget tells"),
}
GITHUB, AZURE = ".github/workflows", ".azuredevops"
PIPELINES = (
    (
        "default",
        "an approval",
        "scripts/bootstrap.json",
        '"reviewed": true',
        '"reviewed": false',
        "nobody approves prod",
    ),
    (
        "default",
        "an environment",
        f"{GITHUB}/_deploy.yml",
        "    environment: ${{ inputs.environment }}\n",
        "",
        "outside",
    ),
    (
        "kubernetes-models",
        "an environment",
        f"{AZURE}/templates/deploy.yml",
        "        environment: ${{",
        "        name: ${{",
        "outside",
    ),
    ("default", "a comparison", f"{GITHUB}/_deploy.yml", "_plan.yml", "_validate.yml", "not compared"),
    ("default", "a gate", f"{GITHUB}/_rollout.yml", "        check ", "        look ", "without a gate"),
    (
        "kubernetes-models",
        "a gate",
        f"{AZURE}/templates/rollout.yml",
        "      check: check ",
        "      check: look ",
        "without a gate",
    ),
    ("default", "a way back", f"{GITHUB}/_rollout.yml", "      - traffic-10\n", "", "nothing takes back traffic-10"),
    (
        "kubernetes-models",
        "a way back",
        f"{AZURE}/templates/rollout.yml",
        "step: rollback ",
        "step: choose ",
        "nothing takes back",
    ),
    (
        "default",
        "an order",
        f"{GITHUB}/deploy.yml",
        "environment: test",
        "environment: dev",
        "does not deploy dev, then test",
    ),
    (
        "default",
        "a failure that stops",
        f"{GITHUB}/_deploy.yml",
        "timeout-minutes: 240",
        "continue-on-error: true",
        "goes on",
    ),
    (
        "default",
        "no secret",
        f"{GITHUB}/_deploy.yml",
        "vars.AZURE_CLIENT_ID",
        "secrets.AZURE_CLIENT_ID",
        "reads a secret",
    ),
    (
        "default",
        "a test before prod",
        f"{GITHUB}/deploy.yml",
        "load/load_test.py",
        "load/other.py",
        "deploy.yml does not run tests/load",
    ),
    (
        "kubernetes-models",
        "a test before prod",
        f"{AZURE}/deploy.yml",
        "contract/contract_test.py",
        "contract/other.py",
        "deploy.yml does not run tests/contract",
    ),
    (
        "kubernetes-models",
        "who approves a model",
        "scripts/bootstrap.json",
        '"dev-promotion", "reviewed": true',
        '"dev-promotion", "reviewed": false',
        "nobody approves dev-promotion",
    ),
    ("default", "what prod denies", "scripts/stack.json", "denyDelete", "none", "deleted by accident"),
)


def script_of(root):
    """The script of a project as a module."""
    spec = importlib.util.spec_from_file_location("check_requirements", root / "scripts" / "check_requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A project, and what its own script evaluates."""
    root = tmp_path_factory.mktemp("own-checks") / SMALL
    render(load(VARIANTS / f"{SMALL}.yml"), root)
    script = script_of(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BICEP", str(find_compiler()))
        return root, script, script.evaluate(root)


def test_a_rendered_project_lacks_nothing(evaluated):
    root, script, environments = evaluated
    assert set(environments) == {path.stem for path in (root / "infra").glob("*.bicepparam")}
    assert all(len(resources) > 20 for resources in environments.values())
    assert [*script.resource_faults(root, environments), *script.index_faults(root)] == []
    assert [*script.pipeline_faults(root)] == []


@pytest.mark.parametrize("lost", RESOURCES)
def test_a_lost_resource_is_missed(evaluated, lost):
    root, script, environments = evaluated
    kind, says = RESOURCES[lost]
    broken = copy.deepcopy(environments)
    first = next(iter(broken))
    gone = next(item for item in broken[first] if item["type"].lower() == kind)
    broken[first].remove(gone)
    found = [fault for fault in script.resource_faults(root, broken) if fault.startswith(f"{first}: ")]
    assert any(says in fault for fault in found), found


def test_every_diagnostic_setting_and_every_alert_counts(evaluated):
    root, script, environments = evaluated
    resources = next(iter(environments.values()))
    for kind, part in (
        ("microsoft.insights/diagnosticsettings", "logs"),
        ("microsoft.insights/metricalerts", "actions"),
    ):
        for item in [item for item in resources if item["type"].lower() == kind]:
            changed = [
                {**row, "properties": {**row["properties"], part: []}} if row is item else row for row in resources
            ]
            assert list(script.resource_faults(root, {"dev": changed})), item["id"]


def test_a_lost_runbook_is_missed(evaluated, tmp_path):
    root, script, environments = evaluated
    for runbook in (root / "docs" / "runbooks").glob("*.md"):
        if runbook.name == "README.md":
            continue
        copied = tmp_path / runbook.stem
        shutil.copytree(root / "docs", copied / "docs")
        (copied / "docs" / "runbooks" / runbook.name).unlink()
        found = [*script.resource_faults(copied, environments), *script.index_faults(copied)]
        assert any(f"{runbook.name} is missing" in fault for fault in found), runbook.name


@pytest.mark.parametrize(
    ("variant", "path", "old", "new", "says"),
    [(row[0], *row[2:]) for row in PIPELINES],
    ids=[f"{row[0]} {row[1]}" for row in PIPELINES],
)
def test_a_broken_pipeline_is_missed(rendered_variants, tmp_path, variant, path, old, new, says):
    root = tmp_path / variant
    shutil.copytree(rendered_variants / variant, root)
    script = script_of(root)
    assert list(script.pipeline_faults(root)) == []
    file = root / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    found = list(script.pipeline_faults(root))
    assert any(says in fault for fault in found), found


def test_no_variant_lacks_anything_in_its_pipelines(rendered_variants):
    for root in sorted(rendered_variants.iterdir()):
        assert list(script_of(root).pipeline_faults(root)) == [], root.name


def test_the_script_says_so_and_fails(evaluated, tmp_path, monkeypatch):
    monkeypatch.setenv("BICEP", str(find_compiler()))
    root = tmp_path / "project"
    shutil.copytree(evaluated[0], root)
    path = root / "infra" / "modules" / "monitoring" / "budget.bicep"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("type: 'Forecasted'", "type: 'Actual'"), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "scripts/check_requirements.py"], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "no budget tells of forecasted costs" in run.stderr
