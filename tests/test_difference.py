"""`groundplan diff`: what appears, goes and changes, resource by resource and property by property."""

import json

import pytest
import yaml

from generator.difference import Change, differing
from tests.support import assert_refused, groundplan


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Write answers that differ from the defaults in what is given."""
    folder = tmp_path_factory.mktemp("answers")

    def write(name, **given):
        path = folder / f"{name}.yml"
        path.write_text(yaml.safe_dump({"project_name": "Contoso Vision", **given}))
        return path

    return write


def compared(old, new):
    run = groundplan("diff", old, new, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_nothing_differs_from_itself():
    assert all(not any(item.values()) for item in compared("default", "default").values())


def test_a_property_changes(answers):
    found = compared(answers("old"), answers("new", log_retention_days=365))
    assert set(found) == {"dev", "test", "prod"}
    for item in found.values():
        assert item["added"] == item["removed"] == []
        (changed,) = item["changed"]
        assert "Microsoft.OperationalInsights/workspaces" in changed["id"]
        assert changed["properties"] == [
            {"path": "properties.retentionInDays", "old": 90, "new": 365, "replaces": False}
        ]


def test_resources_appear_and_go(answers):
    found = compared(answers("old"), answers("new", functions=["eda", "online_inference", "batch_inference"]))
    gone = {row["type"] for row in found["dev"]["removed"]}
    assert "Microsoft.ManagedIdentity/userAssignedIdentities" in gone
    assert found["dev"]["added"] == []
    back = compared(answers("new2", functions=["eda", "online_inference", "batch_inference"]), answers("old2"))
    assert {row["id"] for row in back["dev"]["added"]} == {row["id"] for row in found["dev"]["removed"]}


def test_an_environment_appears(answers):
    found = compared(answers("old", environments=["dev"]), answers("new", environments=["dev", "prod"]))
    assert found["prod"]["added"] and not found["prod"]["removed"]


def test_a_new_region_means_new_resources(answers):
    found = compared(answers("old"), answers("new", location="francecentral"))
    vault = next(row for row in found["prod"]["changed"] if "/vaults/" in row["id"] and row["id"].count("/") == 8)
    assert {"path": "location", "old": "swedencentral", "new": "francecentral", "replaces": True} in vault["properties"]


def test_other_workloads_are_compared_without_their_names():
    found = compared("default", "regulated-two-regions")
    changed = next(row for row in found["prod"]["changed"] if "workspaces/log-<workload>-prod" in row["id"])
    paths = {change["path"] for change in changed["properties"]}
    assert "properties.retentionInDays" in paths and "name" not in paths
    assert any("azureFirewalls" in row["type"] for row in found["prod"]["added"])


def test_text_says_tags_once(answers):
    run = groundplan("diff", answers("old"), answers("new", cost_center="CC-1", log_retention_days=365))
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("tags.costCenter") == 3
    assert "properties.retentionInDays: 90 -> 365" in run.stdout


def test_leaves_of_nested_values():
    old = {"a": [1, {"b": 2}], "c": "x"}
    new = {"a": [1, {"b": 3}, 4], "d": None}
    assert list(differing(old, new)) == [Change("a[1].b", 2, 3), Change("a[2]", None, 4), Change("c", "x", None)]


def test_bad_input_is_one_sentence():
    assert_refused(groundplan("diff", "default", "nonsense"), "There is no variant nonsense")
    assert_refused(groundplan("diff", "default", "x/y.yml"), "There is no answers file")
