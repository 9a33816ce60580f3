"""What people explore with on Databricks, set without Databricks."""

import json

import azure_cli
import databricks_exploration
import databricks_workspace
import pytest

HOST = "https://adb-1.2.azuredatabricks.net"
REST = "rest --method {} --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d --url " + HOST + "/api/{}"
LIST = REST.format("get", "2.0/policies/clusters/list")
CREATE = REST.format("post", "2.0/policies/clusters/create")
EDIT = REST.format("post", "2.0/policies/clusters/edit")
GRANT = REST.format("patch", "2.1/unity-catalog/permissions/external_location/demo-dev-{}")


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(databricks_workspace, "az", azure)
    azure.answers[LIST] = {"policies": []}
    azure.answers[CREATE] = {"policy_id": "A1"}
    return azure


def run():
    return databricks_exploration.main(["--workload", "demo", "--host", f"{HOST}/", "--group", "explorers"])


def sent(platform, words):
    """Bodies of the calls that begin with these words."""
    return [json.loads(command.partition(" --body ")[2]) for command in platform.said(words)]


def test_policy_is_made_for_the_group_only(platform):
    assert run() == 0
    (body,) = sent(platform, CREATE)
    rules = json.loads(body["definition"])
    assert rules["autotermination_minutes"]["maxValue"] <= 60
    (permissions,) = sent(platform, REST.format("put", "2.0/permissions/cluster-policies/A1"))
    assert permissions == {"access_control_list": [{"group_name": "explorers", "permission_level": "CAN_USE"}]}


def test_known_policy_is_brought_up_to_date(platform):
    name = json.loads(databricks_exploration.POLICY.read_text(encoding="utf-8"))["name"]
    platform.answers[LIST] = {"policies": [{"name": "other", "policy_id": "B"}, {"name": name, "policy_id": "C"}]}
    assert run() == 0
    (body,) = sent(platform, EDIT)
    assert body["policy_id"] == "C" and not platform.said(CREATE)


def test_data_is_read_and_exploration_is_written(platform):
    assert run() == 0
    (data,), (exploration,) = (sent(platform, GRANT.format(name)) for name in ("data", "exploration"))
    assert data["changes"] == [{"principal": "explorers", "add": ["READ_FILES"], "remove": ["WRITE_FILES"]}]
    assert exploration["changes"] == [{"principal": "explorers", "add": ["READ_FILES", "WRITE_FILES"]}]


def test_refusal_is_one_sentence(monkeypatch, capsys):
    def refuse(*arguments):
        raise azure_cli.Failure("az rest --method get: forbidden")

    monkeypatch.setattr(databricks_workspace, "az", refuse)
    assert run() == 1
    assert capsys.readouterr().err == "az rest --method get: forbidden\n"
