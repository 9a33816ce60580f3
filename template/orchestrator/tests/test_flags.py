"""Flags as operators set them: the service follows, and lives without the store."""

import json
import logging
import time

import pytest
from conftest import running

from orchestrator.app import CALLER_HEADER, CANDIDATE_INSTRUCTIONS, INSTRUCTIONS, app
from orchestrator.flags import CANDIDATE, KNOWN, PAUSED

QUESTION = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
CALLERS = [f"caller-{number}" for number in range(1000)]


def eventually(condition):
    """Wait until something is so."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "It did not become so."
        time.sleep(0.01)


def read_again(fake):
    """Wait until the service has read what is set now."""
    reads = fake.reads
    eventually(lambda: fake.reads > reads + 2 * max(1, len(fake.flags)))


def instructions(service, fake, caller=""):
    """What the model is told for a caller."""
    assert service.post("/answers", json=QUESTION, headers={CALLER_HEADER: caller}).status_code == 200
    return fake.asked[-1]["body"]["messages"][0]["content"]


def on(name):
    """Callers for whom a flag is on."""
    return {caller for caller in CALLERS if app.state.flags.on(name, caller)}


def test_every_flag_that_the_code_asks_for_is_known():
    assert KNOWN.keys() == {PAUSED, CANDIDATE}


def test_what_is_not_set_is_off(service, fake):
    assert instructions(service, fake, "caller-1") == INSTRUCTIONS
    assert fake.reads and not on(CANDIDATE) and not on(PAUSED)


def test_a_new_replica_knows_its_flags_before_its_first_caller(settings, fake):
    fake.set(CANDIDATE, True)
    fake.set(PAUSED, False)
    with running() as service:
        assert instructions(service, fake, "caller-1") == CANDIDATE_INSTRUCTIONS


def test_a_flag_is_followed_while_the_service_runs(service, fake):
    fake.set(CANDIDATE, True)
    eventually(lambda: instructions(service, fake) == CANDIDATE_INSTRUCTIONS)
    fake.flags.clear()
    eventually(lambda: instructions(service, fake) == INSTRUCTIONS)


def test_nobody_gets_an_answer_while_the_service_is_paused(service, fake):
    fake.set(PAUSED, True)
    eventually(lambda: app.state.flags.on(PAUSED))
    response = service.post("/answers", json=QUESTION)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "Paused")
    assert response.headers["Retry-After"] == "60"
    assert fake.asked == []
    assert service.get("/healthz").status_code == 200
    fake.set(PAUSED, False)
    eventually(lambda: service.post("/answers", json=QUESTION).status_code == 200)


def test_a_percentage_is_a_share_of_the_callers_who_keep_what_they_got(service, fake):
    fake.set(CANDIDATE, True, 20)
    eventually(lambda: on(CANDIDATE))
    few = on(CANDIDATE)
    assert 150 < len(few) < 250
    assert on(CANDIDATE) == few
    fake.set(CANDIDATE, True, 50)
    eventually(lambda: on(CANDIDATE) != few)
    assert few < on(CANDIDATE) and 440 < len(on(CANDIDATE)) < 560
    inside, outside = next(iter(few)), next(iter(set(CALLERS) - on(CANDIDATE)))
    assert instructions(service, fake, inside) == CANDIDATE_INSTRUCTIONS
    assert instructions(service, fake, outside) == INSTRUCTIONS


@pytest.mark.parametrize(("store", "token"), [(503, 200), (403, 200), (200, 500)])
def test_the_service_starts_without_the_store(settings, fake, caplog, store, token):
    fake.set(CANDIDATE, True)
    fake.store_status, fake.token_status = store, token
    with caplog.at_level(logging.INFO, logger="orchestrator"), running() as service:
        assert service.get("/healthz").status_code == 200
        assert not app.state.flags.on(CANDIDATE)
        time.sleep(0.2)
        assert [json.loads(text)["flags"] for text in caplog.messages] == ["unreadable"]
        fake.store_status = fake.token_status = 200
        eventually(lambda: app.state.flags.on(CANDIDATE))
        assert json.loads(caplog.messages[-1])["flags"][CANDIDATE]["enabled"] is True


def test_what_was_read_last_stays_when_the_store_is_gone(service, fake):
    fake.set(CANDIDATE, True)
    eventually(lambda: app.state.flags.on(CANDIDATE))
    fake.store_status = 503
    read_again(fake)
    assert instructions(service, fake) == CANDIDATE_INSTRUCTIONS


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        json.dumps({"enabled": "perhaps"}),
        json.dumps({"enabled": True, "conditions": {"client_filters": [{"name": "Moon", "parameters": {}}]}}),
        json.dumps({"enabled": True, "conditions": {"client_filters": [{"name": "Microsoft.Targeting"}]}}),
    ],
)
def test_a_flag_that_is_not_understood_is_off_and_the_others_count(service, fake, text):
    fake.flags[PAUSED] = text
    fake.flags["of-somebody-else"] = text
    fake.set(CANDIDATE, True)
    eventually(lambda: app.state.flags.on(CANDIDATE))
    assert not app.state.flags.on(PAUSED)
    assert instructions(service, fake) == CANDIDATE_INSTRUCTIONS


def test_the_log_tells_which_instructions_answered_and_not_to_whom(service, fake, caplog):
    fake.set(CANDIDATE, True)
    eventually(lambda: app.state.flags.on(CANDIDATE))
    with caplog.at_level(logging.INFO, logger="orchestrator"):
        instructions(service, fake, "caller-1")
    assert json.loads(caplog.messages[-1])["instructions"] == "candidate"
    assert "caller-1" not in " ".join(caplog.messages)
