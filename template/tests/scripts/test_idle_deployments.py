"""Only what is old and was not called goes, and nothing goes when nobody knows."""

import time

import idle_deployments
import pytest

DELETE = "cognitiveservices account deployment delete"
METRICS = "monitor metrics list"


def deployment(name, days_old):
    made = time.gmtime(time.time() - days_old * 24 * 60 * 60)
    return {"name": name, "systemData": {"createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.1234567Z", made)}}


def series(name, *totals):
    label = {"name": {"value": "modeldeploymentname"}, "value": name}
    status = {"name": {"value": "statuscode"}, "value": "200"}
    return {"metadatavalues": [status, label], "data": [{"total": total} for total in totals]}


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(idle_deployments, "az", azure)
    azure.answers["cognitiveservices account list"] = [{"name": "tuning", "id": "/accounts/tuning"}]
    azure.answers["cognitiveservices account deployment list"] = [
        deployment("Used", 30),
        deployment("idle", 30),
        deployment("silent", 30),
        deployment("new", 1),
    ]
    azure.answers[METRICS] = {"value": [{"timeseries": [series("used", None, 4), series("idle", 0, None)]}]}
    return azure


def run(*arguments):
    return idle_deployments.main(["--resource-group", "rg", *arguments])


def test_old_ones_without_a_call_are_removed(platform, capsys):
    assert run("--remove") == 0
    assert [command.rpartition(" ")[2] for command in platform.said(DELETE)] == ["idle", "silent"]
    assert capsys.readouterr().out == (
        "idle was not called for 7 days: removed.\nsilent was not called for 7 days: removed.\n"
    )
    assert "--offset 7d" in platform.said(METRICS)[0]


def test_they_are_only_named_unless_told_so(platform, capsys):
    assert run("--days", "14") == 0
    assert not platform.said(DELETE)
    assert "idle was not called for 14 days.\n" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [None, {"value": []}])
def test_without_a_metric_nothing_is_removed(platform, capsys, answer):
    platform.answers[METRICS] = answer
    assert run("--remove") == 1
    assert not platform.said(DELETE)
    assert "nothing is removed" in capsys.readouterr().err


def test_no_deployment_means_nothing_to_ask(platform):
    platform.answers["cognitiveservices account deployment list"] = []
    assert run("--remove") == 0
    assert not platform.said(METRICS)
