"""A faulty data set is refused in words; a job is followed to its end, good or bad."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import check_dataset
import pytest
import submit
from openai import OpenAI


def line(number=0, **changes):
    messages = [
        {"role": "system", "content": "You draft letters."},
        {"role": "user", "content": f"Letter {number}, please."},
        {"role": "assistant", "content": "Dear Sir or Madam"},
    ]
    return json.dumps({"messages": messages} | changes)


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_good_data_set(tmp_path):
    assert check_dataset.faults(write(tmp_path / "good.jsonl", map(line, range(10)))) == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "not JSON"),
        ("[]", "no messages"),
        (line(messages=[]), "no messages"),
        (line(messages=["hello"]), "not an object"),
        (line(messages=[{"role": "boss", "content": "x"}]), "'boss'"),
        (line(messages=[{"role": "assistant", "content": "x"}]), "no message is of the user"),
        (line(messages=[{"role": "user", "content": "x"}]), "nothing to learn"),
        (line(messages=[{"role": "user", "content": " "}, {"role": "assistant", "content": "x"}]), "user is empty"),
        (
            line(messages=[{"role": role, "content": "x"} for role in ("user", "system", "assistant")]),
            "system message is not the first",
        ),
        (
            line(messages=[{"role": "user", "content": "x"}, {"role": "assistant", "content": "x", "weight": 2}]),
            "weight 2",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, bad, says):
    path = write(tmp_path / "bad.jsonl", [*map(line, range(10)), bad])
    (fault,) = [fault for fault in check_dataset.faults(path) if says in fault]
    assert fault.startswith("Line 11: ") and fault.endswith(".")


def test_too_few_and_repeated(tmp_path):
    assert check_dataset.faults(write(tmp_path / "few.jsonl", [line(), line()])) == [
        "There are 2 examples: give at least 10.",
        "1 examples repeat another one.",
    ]


class Service(BaseHTTPRequestHandler):
    """Answers as the service does: a file needs a moment, a job runs, then ends as the test wants."""

    ending = "succeeded"
    jobs: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/files"):
            self.reply({"id": "file-1", "object": "file", "status": "uploaded"})
        else:
            self.jobs.append(json.loads(body))
            self.reply({"id": "job-1", "object": "fine_tuning.job", "status": "running"})

    def do_GET(self):
        if "/files/" in self.path:
            self.reply({"id": "file-1", "object": "file", "status": "processed"})
        else:
            error = None if self.ending == "succeeded" else {"code": "x", "message": "too little data"}
            tuned = "base.ft-1" if self.ending == "succeeded" else None
            self.reply({"id": "job-1", "status": self.ending, "fine_tuned_model": tuned, "error": error})

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
def client():
    server = HTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/openai/v1/", api_key="none", max_retries=0)
    server.shutdown()
    server.server_close()


def test_a_job_is_followed_to_its_end(client, tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "jobs", [])
    data = write(tmp_path / "data.jsonl", map(line, range(10)))
    assert submit.tune(client, "base", data, data, "example", poll_seconds=0) == "base.ft-1"
    (job,) = Service.jobs
    assert (job["model"], job["training_file"], job["validation_file"]) == ("base", "file-1", "file-1")


def test_a_failed_job_says_why(client, tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "ending", "failed")
    data = write(tmp_path / "data.jsonl", map(line, range(10)))
    with pytest.raises(RuntimeError, match="failed: too little data"):
        submit.tune(client, "base", data, None, "example", poll_seconds=0)
