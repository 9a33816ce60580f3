"""The requirements of this project, on resources made up for it and on its own pipelines."""

import copy

import check_requirements as check
import pytest

GROUP = "/subscriptions/s/resourcegroups/rg/providers/microsoft.insights/actiongroups/ag"
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
TOLD = {"enabled": True, "contactGroups": [GROUP]}
GOOD = [
    {"type": "Microsoft.Insights/actionGroups", "id": GROUP, "name": "ag", "properties": {"emailReceivers": [{}]}},
    {
        "type": "Microsoft.Insights/metricAlerts",
        "id": "/alert",
        "name": "full",
        "properties": {"actions": [{"actionGroupId": GROUP}], "description": "Runbook: docs/runbooks/full.md"},
    },
    {"type": "Microsoft.KeyVault/vaults", "id": VAULT, "name": "kv", "properties": {}},
    {
        "type": "Microsoft.Insights/diagnosticSettings",
        "id": f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/logs",
        "name": "logs",
        "properties": {"logs": [{"enabled": True}]},
    },
    {
        "type": "Microsoft.Consumption/budgets",
        "id": "/budget",
        "name": "budget",
        "properties": {
            "notifications": {"a": {**TOLD, "thresholdType": "Actual"}, "f": {**TOLD, "thresholdType": "Forecasted"}}
        },
    },
]


@pytest.fixture
def runbooks(tmp_path):
    path = tmp_path / "docs" / "runbooks" / "full.md"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(check.SECTIONS), encoding="utf-8")
    return tmp_path


def faults(project, resources):
    return list(check.resource_faults(project, {"prod": resources}))


def test_nothing_is_missing(runbooks):
    assert faults(runbooks, GOOD) == []


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (0, "no action group reaches anybody"),
        (1, "nothing is watched"),
        (3, "vaults kv sends no logs"),
        (4, "no budget tells of actual costs"),
    ],
)
def test_lost_resource_is_missed(runbooks, place, says):
    assert says in " ".join(faults(runbooks, [item for number, item in enumerate(GOOD) if number != place]))


@pytest.mark.parametrize(
    ("place", "key", "value", "says"),
    [
        (1, "actions", [], "tells nobody"),
        (1, "description", "", "names no runbook"),
        (1, "enabled", False, "switched off"),
        (0, "emailReceivers", [], "reaches anybody"),
        (3, "logs", [], "sends no logs"),
        (4, "notifications", {}, "forecasted costs"),
    ],
)
def test_emptied_resource_is_missed(runbooks, place, key, value, says):
    resources = copy.deepcopy(GOOD)
    resources[place]["properties"][key] = value
    assert says in " ".join(faults(runbooks, resources))


def test_lost_or_short_runbook_is_missed(runbooks):
    path = runbooks / "docs" / "runbooks" / "full.md"
    path.write_text("## Detect", encoding="utf-8")
    assert "lacks Decide, Act, Verify" in " ".join(faults(runbooks, GOOD))
    path.unlink()
    assert "full.md is missing" in " ".join(faults(runbooks, GOOD))


def test_pipelines_of_this_project_lack_nothing():
    assert list(check.pipeline_faults(check.PROJECT)) == []


def shift(name, needs, **given):
    return {name: {"needs": needs, "uses": "./_rollout-step.yml", "with": {"environment": "prod", **given}}}


def rollout():
    return {
        **shift("create", [], step="create x"),
        **shift("traffic-10", ["create"], step="shift x"),
        **shift("traffic-100", ["traffic-10"], step="shift x", check="check x"),
        **shift("confirm", ["traffic-100"], step="prove x", check="check x"),
        **shift("rollback", ["create", "traffic-10", "traffic-100", "confirm"], step="rollback x"),
    }


@pytest.mark.parametrize(
    ("job", "key", "says"),
    [
        ("traffic-100", "check", "traffic-100 moves traffic without a gate"),
        ("confirm", "check", "the last step is not checked"),
        ("traffic-10", "environment", "traffic-10 changes an environment outside its protection"),
    ],
)
def test_lost_gate_or_environment_is_missed(job, key, says):
    jobs = rollout()
    assert list(check.job_faults({"jobs": jobs})) == []
    del jobs[job]["with"][key]
    assert says in " ".join(check.job_faults({"jobs": jobs}))


def test_lost_way_back_is_missed():
    jobs = rollout()
    jobs["rollback"]["needs"].remove("traffic-10")
    assert "nothing takes back traffic-10" in " ".join(check.job_faults({"jobs": jobs}))
    del jobs["rollback"]
    assert "let a rollback depend on every step" in " ".join(check.job_faults({"jobs": jobs}))
