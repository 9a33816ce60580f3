"""The search for old compute instances, without Azure."""

from datetime import UTC, datetime, timedelta

import azure_cli
import old_instances
import pytest

LIST = "rest --method get --url /subscriptions/{subscriptionId}/resourceGroups/rg-demo-dev-exploration/providers"
NEXT = "rest --method get --url https://management.azure.com/next"


def row(name, days, kind="ComputeInstance", newest=True):
    created = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    image = {"osImageMetadata": {"isLatestOsImageVersion": newest}}
    return {"name": name, "properties": {"computeType": kind, "createdOn": created, "properties": image}}


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(old_instances, "az", azure)
    monkeypatch.delenv("TF_BUILD", raising=False)
    return azure


def run(*arguments):
    return old_instances.main(["--workload", "demo", "--environment", "dev", *arguments])


def test_young_instances_are_left_alone(platform, capsys):
    platform.answers[LIST] = {"value": [row("ci-demo-01", 29), row("image-build", 90, kind="AmlCompute")]}
    assert run() == 0
    assert "None of 1 compute instances" in capsys.readouterr().out
    assert "/workspaces/mlw-demo-dev-exploration/computes?api-version=" in platform.asked[0]


def test_old_instances_are_named_with_what_to_do(platform, capsys, tmp_path):
    platform.answers[LIST] = {"value": [row("ci-demo-01", 31), row("ci-demo-02", 200, newest=False)]}
    assert run("--summary", str(tmp_path / "summary.md")) == 1
    said = capsys.readouterr().out
    assert said.index("| `ci-demo-02` |") < said.index("| `ci-demo-01` |")
    assert "a newer one is out" in said and "the newest" in said
    assert "--resource-group rg-demo-dev-exploration --name ci-demo-02" in said
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") in said


def test_every_page_is_read(platform, capsys):
    platform.answers[LIST] = {"value": [row("ci-demo-01", 1)], "nextLink": "https://management.azure.com/next"}
    platform.answers[NEXT] = {"value": [row("ci-demo-02", 40)]}
    assert run() == 1
    assert "1 of 2 compute instances" in capsys.readouterr().out


def test_age_can_be_chosen(platform):
    platform.answers[LIST] = {"value": [row("ci-demo-01", 10)]}
    assert run("--days", "7") == 1


def test_azure_pipelines_take_the_summary(platform, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_BUILD", "True")
    platform.answers[LIST] = {"value": []}
    assert run("--summary", str(tmp_path / "summary.md")) == 0
    assert f"##vso[task.uploadsummary]{tmp_path}" in capsys.readouterr().out


def test_a_workspace_that_cannot_be_read_is_a_failure(monkeypatch, capsys):
    def refuse(*arguments):
        raise azure_cli.Failure("az rest: forbidden")

    monkeypatch.setattr(old_instances, "az", refuse)
    assert run() == 1
    assert "forbidden" in capsys.readouterr().err
