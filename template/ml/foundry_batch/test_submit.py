"""A batch against a server that behaves like the service."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import submit
from openai import OpenAI


class Service(BaseHTTPRequestHandler):
    """Takes a file and a batch; the batch is in progress once, then ends as the test wants."""

    ending = "completed"
    looks = 0
    submitted: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/files"):
            self.reply({"id": "file-in", "object": "file", "status": "processed"})
        else:
            self.submitted.append(json.loads(body))
            self.reply({"id": "batch-1", "object": "batch", "status": "validating"})

    def do_GET(self):
        if self.path.endswith("/content"):
            return self.reply({"custom_id": "prompt-1", "file": self.path.split("/")[-2]})
        Service.looks += 1
        if Service.looks == 1:
            return self.reply({"id": "batch-1", "object": "batch", "status": "in_progress"})
        ended = {"id": "batch-1", "object": "batch", "status": self.ending}
        if self.ending == "completed":
            ended |= {"output_file_id": "file-out", "error_file_id": "file-err"}
            ended |= {"request_counts": {"total": 2, "completed": 1, "failed": 1}}
        else:
            ended |= {"errors": {"object": "list", "data": [{"code": "x", "message": "over the quota"}]}}
        return self.reply(ended)

    def reply(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(Service, "looks", 0)
    monkeypatch.setattr(Service, "submitted", [])
    server = HTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/openai/v1/", api_key="none", max_retries=0)
    server.shutdown()
    server.server_close()


def test_each_prompt_becomes_a_request(tmp_path):
    path = tmp_path / "requests.jsonl"
    assert submit.write_requests(["first", "  ", "second"], "chat-batch", path) == 2
    requests = [json.loads(line) for line in path.read_text().splitlines()]
    assert [request["custom_id"] for request in requests] == ["prompt-1", "prompt-2"]
    assert requests[1]["body"]["messages"][0]["content"] == "second"
    assert {request["body"]["model"] for request in requests} == {"chat-batch"}


def test_answers_and_failures_are_collected(client, tmp_path):
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    submit.write_requests(["first", "second"], "chat-batch", requests)
    assert submit.run(client, requests, answers, poll_seconds=0) == 1
    assert [json.loads(line)["file"] for line in answers.read_text().splitlines()] == ["file-out", "file-err"]
    (batch,) = Service.submitted
    assert batch == {"input_file_id": "file-in", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def test_a_failed_batch_says_why(client, tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "ending", "failed")
    requests = tmp_path / "requests.jsonl"
    submit.write_requests(["first"], "chat-batch", requests)
    with pytest.raises(RuntimeError, match="failed: over the quota"):
        submit.run(client, requests, tmp_path / "answers.jsonl", poll_seconds=0)
