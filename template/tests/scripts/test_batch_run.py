"""A batch run as the schedule starts it, without Azure."""

from datetime import UTC, datetime

import batch_rollout
import batch_run
import pytest

SHOW = "ml batch-endpoint show"
INVOKE = "ml batch-endpoint invoke"
STATUS = "ml job show"


@pytest.fixture
def platform(azure, monkeypatch):
    azure.slept = []
    monkeypatch.setattr(batch_rollout, "az", azure)
    monkeypatch.setattr(batch_run, "az", azure)
    monkeypatch.setattr(batch_run, "show", azure)
    monkeypatch.setattr(batch_run.time, "sleep", azure.slept.append)
    monkeypatch.setattr(batch_run, "sign_in", lambda: azure.asked.append("sign in"))
    outputs = {"batchEndpointName": {"value": "tables"}}
    azure.answers["deployment sub show"] = {"properties": {"outputs": outputs}}
    azure.answers[SHOW] = {"defaults": {"deployment_name": "blue"}}
    azure.answers["ml batch-deployment show"] = {"tags": {"model_version": "7"}}
    azure.answers[INVOKE] = {"name": "run-1"}
    azure.answers[STATUS] = {"status": "Completed"}
    return azure


def run(*arguments):
    return batch_run.main(["--workload=demo", "--environment=test", "--run=42-1", *arguments])


def test_default_deployment_scores_the_day_into_a_path_of_its_own(platform):
    assert run("--day=2026-03-01") == 0
    (called,) = platform.said(INVOKE)
    assert "--name tables --deployment-name blue" in called
    assert "--input azureml://datastores/batch_input/paths/2026-03-01 --input-type uri_folder" in called
    assert "--output-path azureml://datastores/batch_output/paths/version-7/2026-03-01/42-1 " in called


def test_the_schedule_scores_today(platform):
    assert run() == 0
    assert f"batch_input/paths/{datetime.now(UTC).date()} " in platform.said(INVOKE)[0]


@pytest.mark.parametrize("status", ["Failed", "Canceled", "NotResponding"])
def test_a_run_that_does_not_complete_fails(platform, capsys, status):
    platform.answers[STATUS] = {"status": status}
    assert run() == 1
    assert f"Run run-1 ended as {status}" in capsys.readouterr().err


def test_it_waits_and_signs_in_again(platform):
    platform.turns[STATUS] = [{"status": "Running"}] * 31
    assert run() == 0
    assert sum(platform.slept) == 31 * 60 and platform.asked.count("sign in") == 1


def test_a_run_that_never_ends_is_stopped(platform, capsys):
    platform.answers[STATUS] = {"status": "Running"}
    assert run("--hours=0.1") == 1
    assert platform.said("ml job cancel --name run-1")
    assert "was not done after 0.1 hours" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({SHOW: {"defaults": {"deployment_name": None}}}, "no default deployment"),
        ({"ml batch-deployment show": {"tags": None}}, "no tag model_version"),
    ],
)
def test_without_a_model_nothing_is_scored(platform, capsys, answers, says):
    platform.answers.update(answers)
    assert run() == 1
    assert says in capsys.readouterr().err and not platform.said(INVOKE)


def test_a_day_is_a_date(platform, capsys):
    assert run("--day=yesterday") == 1
    assert "yesterday is no day" in capsys.readouterr().err and not platform.asked
