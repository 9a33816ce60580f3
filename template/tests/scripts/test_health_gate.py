"""The gate on answers of the platform as it gives them, and what it asks the platform for."""

import copy
import json
from pathlib import Path

import health_gate
import pytest
from azure_cli import Failure
from health_gate import Limits, judge

LIMITS = Limits(latency_ms=500, most_failed_percent=1)
SPAN = (1_795_600_800.0, 1_795_601_100.0)


def recorded(name):
    """An answer to each question, from a file."""
    path = Path(__file__).parent / "metrics" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def asks(answers):
    return lambda metric, dimensions, start, end: answers[dimensions.split("'")[1]][metric]


def refused(answers, limits=LIMITS, span=SPAN):
    with pytest.raises(Failure) as refusal:
        judge(asks(answers), "green", "blue", span, limits)
    return str(refusal.value)


def test_good_metrics_pass():
    assert judge(asks(recorded("pass")), "green", "blue", SPAN, LIMITS) == (
        "green: 86 requests, 0.00 % failed, 95 of 100 within 182 ms."
    )


def test_errors_fail():
    assert "8.70 % of the requests to green failed, 1 % may" in refused(recorded("fail"))


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_no_metrics_mean_no(name):
    assert "nobody knows" in refused(recorded(name))


def test_too_few_requests_mean_no():
    assert "87 requests are needed" in refused(recorded("pass"), Limits(500, 1, least_requests=87))


def test_slow_answers_fail():
    assert "150 ms are promised" in refused(recorded("pass"), Limits(150, 1))


def test_slower_than_before_fails():
    answers = recorded("pass")
    for point in answers["blue"]["RequestLatency_P95"]["value"][0]["timeseries"][0]["data"]:
        point["average"] = 60.0
    assert "too slow beside it" in refused(answers)


def test_without_one_before_there_is_nothing_to_compare():
    assert judge(asks(recorded("pass")), "green", "", SPAN, LIMITS)


def test_what_broke_just_now_is_not_lost_in_the_average():
    good, last = recorded("pass"), recorded("fail")
    good["green"]["RequestsPerMinute"]["value"][0]["timeseries"][0]["data"][0]["average"] = 100_000

    def ask(metric, dimensions, start, end):
        source = last if end - start <= health_gate.LAST_SECONDS else good
        return copy.deepcopy(source)[dimensions.split("'")[1]][metric]

    with pytest.raises(Failure, match="failed in the last 15 minutes"):
        judge(ask, "green", "blue", (0, 86_400), LIMITS)


def test_platform_is_asked_for_one_deployment_and_every_class(monkeypatch):
    asked = []
    monkeypatch.setattr(health_gate, "az", lambda *arguments: asked.append(" ".join(arguments)))
    health_gate.sample(health_gate.azure_metrics("/endpoint"), "green", *SPAN)
    requests, latency = asked
    assert "--metrics RequestsPerMinute" in requests
    assert "--filter deployment eq 'green' and statusCodeClass eq '*'" in requests
    assert "--metrics RequestLatency_P95" in latency and "--filter deployment eq 'green' --" in latency
    assert "--start-time 2026-11-25T10:00:00Z --end-time 2026-11-25T10:05:00Z --interval PT1M" in requests


@pytest.mark.parametrize(("name", "code"), [("pass", 0), ("fail", 1), ("empty", 1), ("missing", 1)])
def test_command_tells_by_its_exit_code(monkeypatch, name, code):
    monkeypatch.setattr(health_gate, "azure_metrics", lambda resource: asks(recorded(name)))
    limits = ["--latency-ms=500", "--most-failed-percent=1"]
    assert health_gate.main(["--resource=/endpoint", "--deployment=green", "--against=blue", *limits]) == code
