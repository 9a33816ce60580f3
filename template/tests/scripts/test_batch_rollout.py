"""The rollout of a batch model as the pipeline runs it, without Azure."""

import batch_rollout
import pytest

SHOW = "ml batch-endpoint show"
UPDATE = "ml batch-endpoint update"
PLACE = ["--workload", "demo", "--environment", "test"]


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(batch_rollout, "az", azure)
    monkeypatch.setattr(batch_rollout, "show", azure)
    outputs = {"batchEndpointName": {"value": "tables"}}
    azure.answers["stack sub show"] = {"outputs": outputs}
    azure.answers[SHOW] = {"defaults": {"deployment_name": "blue"}}
    azure.answers["ml batch-endpoint invoke"] = {"name": "run-1"}
    azure.answers["ml job show"] = {"status": "Completed"}
    return azure


def run(command, *arguments):
    return batch_rollout.main([command, *PLACE, *arguments])


@pytest.mark.parametrize(("default", "says"), [("blue", "old=blue\nnew=green\n"), (None, "old=\nnew=blue\n")])
def test_the_other_deployment_comes_next(platform, capsys, default, says):
    platform.answers[SHOW] = {"defaults": {"deployment_name": default}}
    assert run("choose") == 0
    assert capsys.readouterr().out == says


def test_new_deployment_is_made_beside_the_default(platform):
    assert run("create", "--new=green", "--registry=models", "--version=7", "--commit=abc", "--run=1") == 0
    (created,) = platform.said("ml batch-deployment create")
    assert "model=azureml://registries/models/models/example/versions/7 " in created
    assert "--set-default" not in created and not platform.said(UPDATE)


@pytest.mark.parametrize(("status", "code"), [("Completed", 0), ("Failed", 1), ("Canceled", 1)])
def test_sample_is_scored_by_name(platform, status, code):
    platform.answers["ml job show"] = {"status": status}
    assert run("score", "--new=green", "--sample=azureml://sample") == code
    (called,) = platform.said("ml batch-endpoint invoke")
    assert "--deployment-name green --input azureml://sample" in called


def test_default_is_switched(platform):
    assert run("switch", "--new=green") == 0
    assert "defaults.deployment_name=green" in platform.said(UPDATE)[0]


def test_rollback_restores_the_former_default(platform):
    platform.answers[SHOW] = {"defaults": {"deployment_name": "green"}}
    assert run("rollback", "--old=blue") == 0
    assert "defaults.deployment_name=blue" in platform.said(UPDATE)[0]


def test_rollback_of_an_unswitched_default_changes_nothing(platform):
    assert run("rollback", "--old=blue") == 0
    assert not platform.said(UPDATE)
