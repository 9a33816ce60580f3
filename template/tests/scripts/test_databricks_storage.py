"""What Unity Catalog is told about containers, without Databricks."""

import json
from pathlib import Path

import azure_cli
import databricks_storage
import databricks_workspace
import pytest

HOST = "https://adb-1.2.azuredatabricks.net"
REST = "rest --method {} --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d --url " + HOST + "/api/2.1/unity-catalog/{}"
LOCATIONS = REST.format("get", "external-locations")
MAKE = REST.format("post", "external-locations")
ROWS = [
    {"container": "data", "component": "training", "read_only": True},
    {"container": "models", "component": "training", "read_only": False},
]


@pytest.fixture
def platform(azure, monkeypatch, tmp_path):
    settings = tmp_path / "storage.json"
    settings.write_text(json.dumps({"workload": "demo", "environments": {"dev": ROWS}}))
    monkeypatch.setattr(databricks_storage, "SETTINGS", settings)
    monkeypatch.setattr(databricks_storage, "az", azure)
    monkeypatch.setattr(databricks_workspace, "az", azure)
    azure.answers["storage account list"] = [{"name": "stdemodevabc12"}]
    azure.answers[LOCATIONS] = {}
    return azure


def run(environment="dev"):
    return databricks_storage.main([f"--environment={environment}", f"--host={HOST}/", "--deployer=engineers"])


def sent(platform, words):
    """Bodies of the calls that begin with these words."""
    return [json.loads(command.partition(" --body ")[2]) for command in platform.said(words)]


def test_each_container_is_reached_as_its_component(platform):
    assert run() == 0
    data, models = sent(platform, MAKE)
    assert data == {
        "name": "demo-dev-data",
        "url": "abfss://data@stdemodevabc12.dfs.core.windows.net/",
        "credential_name": "demo-dev-training",
        "read_only": True,
    }
    assert (models["name"], models["read_only"]) == ("demo-dev-models", False)


def test_whoever_deploys_may_make_volumes_there(platform):
    assert run() == 0
    for row in ROWS:
        words = REST.format("patch", f"permissions/external_location/demo-dev-{row['container']}")
        assert sent(platform, words) == [
            {"changes": [{"principal": "engineers", "add": ["CREATE_EXTERNAL_VOLUME"]}]},
        ]


def test_known_locations_are_found_on_every_page(platform):
    platform.answers[LOCATIONS] = {"external_locations": [], "next_page_token": "more"}
    platform.answers[f"{LOCATIONS}?page_token=more"] = {"external_locations": [{"name": "demo-dev-data"}]}
    assert run() == 0
    assert sent(platform, REST.format("patch", "external-locations/demo-dev-data"))[0]["credential_name"]
    assert len(sent(platform, MAKE)) == 1


def test_without_storage_it_says_what_comes_first(platform, capsys):
    platform.answers["storage account list"] = []
    assert run() == 1
    assert "deploy the platform first" in capsys.readouterr().err


def test_an_environment_without_databricks_is_left_alone(platform, capsys):
    assert run("prod") == 1
    assert "prod" in capsys.readouterr().err and not platform.asked


def test_refusal_is_one_sentence(platform, monkeypatch, capsys):
    def refuse(*arguments):
        raise azure_cli.Failure("az rest --method get: forbidden")

    monkeypatch.setattr(databricks_workspace, "az", refuse)
    assert run() == 1
    assert capsys.readouterr().err == "az rest --method get: forbidden\n"


def test_every_container_belongs_to_one_component():
    settings = json.loads((Path(__file__).parents[2] / "ml" / "storage.json").read_text())
    for rows in settings["environments"].values():
        names = [row["container"] for row in rows]
        assert len(set(names)) == len(names)
