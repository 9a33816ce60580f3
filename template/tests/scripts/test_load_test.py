"""The load test against a server on this machine."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "load"), str(TESTS)]

import caller  # noqa: E402
import load_test  # noqa: E402

USAGE = {"usage": {"total_tokens": 40}}


class Platform(BaseHTTPRequestHandler):
    """Answers after `wait` seconds with the next of `statuses`; keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    wait = 0.0
    statuses: list[int] = []
    asked: list[tuple[str, dict, bytes]] = []

    def do_POST(self):  # noqa: N802 - the name that the server calls
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, dict(self.headers), body))
        time.sleep(self.wait)
        if b'"stream": true' in body:
            self.stream()
            return
        text = json.dumps(USAGE).encode()
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self):
        """Two events at once, the end of the answer a little later."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
        self.wfile.flush()
        time.sleep(0.2)
        self.wfile.write(f"data: {json.dumps(USAGE)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def platform(monkeypatch):
    handler = type("Once", (Platform,), {"asked": [], "statuses": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}/gateway"
    monkeypatch.setenv("GATEWAY_KEY", "key")
    monkeypatch.setenv("GATEWAY_TOKEN", "token")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def targets(tmp_path, monkeypatch):
    """600 requests a minute of two APIs, half of it in test; 95 of 100 within 150 ms, 10 % may fail."""
    (tmp_path / "sample.json").write_text('{"input": 1}', encoding="utf-8")
    rows = {"requests_per_minute": 600, "consumer": "team", "percent_of_peak": {"test": 50}}
    foundation = {"path": "/foundation/v1/chat/completions", "model": "chat", "tokens_per_minute": 24000}
    found = {
        "apis": {
            "models": {**rows, "path": "/models/v1/score", "body": "sample.json"},
            "foundation": {**rows, **foundation, "streaming": True},
        },
    }
    limits = {"load": {"seconds": 1, "latency_p95_ms": 150, "failed_percent": 10}}
    monkeypatch.setattr(load_test, "thresholds", lambda: limits)
    monkeypatch.setattr(load_test, "read_targets", lambda: found)
    monkeypatch.setattr(load_test, "PROJECT", tmp_path)
    return found


def run(platform, api):
    return load_test.main(["test", "--api", api, "--url", platform.url])


def test_promise_is_kept(platform, targets, capsys):
    assert run(platform, "models") == 0
    # Half of 600 a minute, for a second.
    assert len(platform.asked) == 5
    path, headers, body = platform.asked[0]
    assert (path, body) == ("/gateway/models/v1/score", b'{"input": 1}')
    assert (headers["api-key"], headers["Authorization"]) == ("key", "Bearer token")
    assert "status: 200 5 times" in capsys.readouterr().out


def test_slow_answers_miss_the_target(platform, targets, capsys):
    platform.wait = 0.25
    assert run(platform, "models") == 1
    assert "models: 95 of 100 answers took up to" in capsys.readouterr().err


def test_failed_requests_miss_the_target(platform, targets, capsys):
    platform.statuses = [429]
    assert run(platform, "models") == 1
    assert "models: 20.00 % of the requests failed, 10 % may." in capsys.readouterr().err


def test_nobody_answers(platform, targets, capsys):
    assert load_test.main(["test", "--api", "models", "--seconds", "1", "--url", "http://127.0.0.1:9"]) == 1
    assert "100.00 % of the requests failed" in capsys.readouterr().err


def test_stream_counts_until_its_first_event(platform, targets, capsys):
    assert run(platform, "foundation") == 0
    bodies = [json.loads(body) for _, _, body in platform.asked]
    assert len({body["messages"][0]["content"] for body in bodies}) == 5
    assert {body["model"] for body in bodies} == {"chat"} and bodies[0]["max_completion_tokens"] == 16
    assert "tokens: 12000 a minute" in capsys.readouterr().out


def test_busy_machine_is_no_slow_platform(targets):
    load = load_test.load_of(targets, "models", "test")
    answers = [load_test.Answer(200, latency_ms=900, late_ms=850)] * 20
    assert ["could not send 300 requests a minute" in sentence for sentence in load_test.misses(load, answers)] == [
        True
    ]


def test_whole_peak_where_nothing_is_said_about_shares(targets):
    assert load_test.load_of(targets, "models", "prod").requests_per_minute == 600


@pytest.mark.parametrize(
    ("consumer", "name"), [("team", "team"), ("demo-<environment>-team", "demo-test-team")], ids=["own", "reused"]
)
def test_door_of_a_deployed_environment(azure, monkeypatch, consumer, name):
    gateway = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-demo"
    azure.answers = {
        "stack sub show": {
            "parameters": {"callerAudience": {"value": "api://demo"}, "key": {"reference": {}}},
            "outputs": {"gatewayUrl": {"value": "https://demo.azure-api.net"}, "gatewayId": {"value": gateway}},
        },
        "rest --method post": {"primaryKey": "secret"},
        "account get-access-token --scope api://demo/.default": {"accessToken": "token"},
    }
    monkeypatch.setattr(caller, "az", azure)
    door = caller.find("test", consumer)
    assert door == caller.Door("https://demo.azure-api.net", "secret", "token")
    (listed,) = azure.said("rest")
    assert f"{gateway}/subscriptions/{name}/listSecrets?api-version=2024-05-01" in listed


def test_no_key(targets, monkeypatch, capsys):
    monkeypatch.delenv("GATEWAY_KEY", raising=False)
    assert load_test.main(["test", "--url", "http://127.0.0.1:9"]) == 1
    assert "Set GATEWAY_KEY" in capsys.readouterr().err


def test_targets_of_this_project_can_be_read():
    found = load_test.read_targets()
    for api in found["apis"]:
        load = load_test.load_of(found, api, "prod")
        assert load.requests_per_minute > 0 and load.latency_p95_ms > 0
        assert json.loads(load.request(1))
