"""What people explore with on Databricks, set without Databricks."""

import json

import azure_cli
import databricks_exploration
import databricks_rest
import pytest

HOST = "https://adb-1.2.azuredatabricks.net"
REST = "rest --method {} --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d --url " + HOST + "/api/{}"
LIST = REST.format("get", "2.0/policies/clusters/list")
CREATE = REST.format("post", "2.0/policies/clusters/create")
EDIT = REST.format("post", "2.0/policies/clusters/edit")
LOCATIONS = REST.format("get", "2.1/unity-catalog/external-locations")


@pytest.fixture
def platform(azure, monkeypatch):
    for module in (databricks_exploration, databricks_rest):
        monkeypatch.setattr(module, "az", azure)
    azure.answers[LIST] = {"policies": []}
    azure.answers[CREATE] = {"policy_id": "A1"}
    azure.answers["storage account list"] = [{"name": "stdemodevabc12"}]
    azure.answers[LOCATIONS] = {}
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
    made = {body["name"]: body for body in sent(platform, REST.format("post", "2.1/unity-catalog/external-locations"))}
    assert made["demo-dev-data"]["url"] == "abfss://data@stdemodevabc12.dfs.core.windows.net/"
    assert {name: body["read_only"] for name, body in made.items()} == {
        "demo-dev-data": True,
        "demo-dev-exploration": False,
    }
    path = "2.1/unity-catalog/permissions/external_location/demo-dev-data"
    (change,) = sent(platform, REST.format("patch", path))[0]["changes"]
    assert change == {"principal": "explorers", "add": ["READ_FILES"], "remove": ["WRITE_FILES"]}


def test_known_locations_are_found_on_every_page(platform):
    platform.answers[LOCATIONS] = {"external_locations": [], "next_page_token": "more"}
    platform.answers[f"{LOCATIONS}?page_token=more"] = {"external_locations": [{"name": "demo-dev-data"}]}
    assert run() == 0
    assert sent(platform, REST.format("patch", "2.1/unity-catalog/external-locations/demo-dev-data"))
    assert len(sent(platform, REST.format("post", "2.1/unity-catalog/external-locations"))) == 1


def test_without_storage_it_says_what_comes_first(platform, capsys):
    platform.answers["storage account list"] = []
    assert run() == 1
    assert "deploy the platform first" in capsys.readouterr().err


def test_refusal_is_one_sentence(monkeypatch, capsys):
    def refuse(*arguments):
        raise azure_cli.Failure("az rest --method get: forbidden")

    monkeypatch.setattr(databricks_rest, "az", refuse)
    assert run() == 1
    assert capsys.readouterr().err == "az rest --method get: forbidden\n"
