"""`groundplan diff`: what appears, goes and changes, resource by resource and property by property."""

import json

import pytest
import yaml

from generator.answers import of_project
from generator.compiler import Compiler
from generator.difference import Change, compare, data, differing
from generator.evaluation import evaluate
from generator.rendering import render
from tests.support import assert_refused, groundplan

START = {"project_name": "Contoso Vision", "functions": ["batch_inference"], "model_sources": ["own"]}
"""A small project: what is compared matters here, not how much."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """What differs between two sets of answers; each set is rendered and evaluated once."""
    folder = tmp_path_factory.mktemp("projects")
    projects = {}
    with Compiler() as compiler:

        def project(given):
            key = json.dumps(given, sort_keys=True)
            if key not in projects:
                root = folder / str(len(projects))
                render({**START, **given}, root)
                projects[key] = evaluate(root, of_project(root), compiler)
            return projects[key]

        yield lambda old, new: data(compare(project(old), project(new)))


@pytest.fixture
def answers(tmp_path):
    """Write answers that differ from the defaults in what is given."""

    def write(name, **given):
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump({**START, **given}))
        return path

    return write


def test_nothing_differs_from_itself(compared):
    assert all(not any(item.values()) for item in compared({}, {}).values())


def test_a_property_changes(compared):
    found = compared({}, {"log_retention_days": 365})
    assert set(found) == {"dev", "test", "prod"}
    for item in found.values():
        assert item["added"] == item["removed"] == []
        (changed,) = item["changed"]
        assert "Microsoft.OperationalInsights/workspaces" in changed["id"]
        assert changed["properties"] == [
            {"path": "properties.retentionInDays", "old": 90, "new": 365, "replaces": False}
        ]


def test_resources_appear_and_go(compared):
    more = {"functions": ["training", "batch_inference"]}
    found = compared(more, {})
    gone = {row["type"] for row in found["dev"]["removed"]}
    assert "Microsoft.ManagedIdentity/userAssignedIdentities" in gone
    assert found["dev"]["added"] == []
    back = compared({}, more)
    assert {row["id"] for row in back["dev"]["added"]} == {row["id"] for row in found["dev"]["removed"]}


def test_an_environment_appears(compared):
    found = compared({"environments": ["dev"]}, {"environments": ["dev", "prod"]})
    assert found["prod"]["added"] and not found["prod"]["removed"]


def test_a_new_region_means_new_resources(compared):
    found = compared({}, {"location": "francecentral"})
    vault = next(row for row in found["prod"]["changed"] if "/vaults/" in row["id"] and row["id"].count("/") == 8)
    assert {"path": "location", "old": "swedencentral", "new": "francecentral", "replaces": True} in vault["properties"]
    assert {"what": "made anew", "id": vault["id"]} in found["prod"]["dangers"]


def test_deletions_and_public_access_are_dangers(compared):
    closed = {"environments": ["dev"]}
    opened = {**closed, "network_posture": "public_restricted", "data_classification": "internal"}
    dangers = compared(closed, opened)["dev"]["dangers"]
    assert any(row["what"] == "public access opened" and "/vaults/" in row["id"] for row in dangers)
    assert any(row["what"] == "deleted" and "/virtualNetworks/" in row["id"] for row in dangers)
    assert not any("roleAssignments" in row["id"] for row in dangers)


@pytest.mark.parametrize(
    ("path", "old", "new", "danger"),
    [
        ("location", "a", "b", "made anew"),
        ("properties.publicNetworkAccess", "Disabled", "Enabled", "public access opened"),
        ("properties.publicNetworkAccess", "Disabled", None, "public access opened"),
        ("properties.publicNetworkAccess", "Enabled", "Disabled", None),
        ("properties.networkAcls.defaultAction", "Deny", "Allow", "public access opened"),
        ("properties.disableLocalAuth", True, False, "key access switched on"),
        ("properties.allowSharedKeyAccess", False, True, "key access switched on"),
        ("properties.allowSharedKeyAccess", None, True, None),
        ("properties.retentionInDays", 90, 30, None),
    ],
)
def test_dangers_of_a_change(path, old, new, danger):
    assert Change(path, old, new).danger == danger


def test_other_workloads_are_compared_without_their_names():
    run = groundplan("diff", "batch-only", "exploration-only", "--json")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    changed = next(row for row in found["dev"]["changed"] if "workspaces/log-<workload>-dev" in row["id"])
    paths = {change["path"] for change in changed["properties"]}
    assert "location" in paths and "name" not in paths
    assert any("computes" in row["type"] for row in found["dev"]["added"])


def test_text_says_tags_once(answers):
    given = {"environments": ["dev"]}
    run = groundplan(
        "diff", answers("old", **given), answers("new", **given, cost_center="CC-1", log_retention_days=365)
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("tags.costCenter") == 1
    assert "properties.retentionInDays: 90 -> 365" in run.stdout


def test_leaves_of_nested_values():
    old = {"a": [1, {"b": 2}], "c": "x"}
    new = {"a": [1, {"b": 3}, 4], "d": None}
    assert list(differing(old, new)) == [Change("a[1].b", 2, 3), Change("a[2]", None, 4), Change("c", "x", None)]


def test_bad_input_is_one_sentence():
    assert_refused(groundplan("diff", "default", "nonsense"), "There is no variant nonsense")
    assert_refused(groundplan("diff", "default", "x/y.yml"), "There is no answers file")
