"""Comments and pull requests in Azure Repos, without it."""

import urllib.error

import azure_repos
import pytest


@pytest.fixture
def asked(monkeypatch):
    """What was asked: method, path, body. No pull request is open."""
    calls = []

    def call(method, path, body=None):
        calls.append((method, path, body))
        return {"value": []} if method == "GET" else {"pullRequestId": 7}

    monkeypatch.setattr(azure_repos, "call", call)
    monkeypatch.setenv("SYSTEM_PULLREQUEST_PULLREQUESTID", "5")
    return calls


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.md"
    path.write_text("words", encoding="utf-8")
    return path


def test_a_comment_goes_into_the_pull_request_of_the_run(asked, text):
    assert azure_repos.main(["comment", str(text)]) == 0
    ((method, path, body),) = asked
    assert (method, path) == ("POST", "pullRequests/5/threads")
    assert body["comments"][0]["content"] == "words" and body["status"] == "closed"


def test_a_pull_request_is_opened(asked, text):
    assert azure_repos.main(["propose", str(text), "--branch", "update/guidance", "--title", "Newer"]) == 0
    method, path, body = asked[-1]
    assert (method, path) == ("POST", "pullrequests")
    assert (body["sourceRefName"], body["targetRefName"]) == ("refs/heads/update/guidance", "refs/heads/main")
    assert body["description"] == "words"


def test_a_long_text_becomes_a_comment_too(asked, text):
    text.write_text("w" * 5000, encoding="utf-8")
    azure_repos.main(["propose", str(text), "--branch", "b", "--title", "t"])
    assert len(asked[1][2]["description"]) == azure_repos.LONGEST_DESCRIPTION
    assert asked[2][1] == "pullRequests/7/threads"


def test_an_open_pull_request_gets_a_comment(monkeypatch, text):
    calls = []
    monkeypatch.setattr(
        azure_repos, "call", lambda *arguments: calls.append(arguments) or {"value": [{"pullRequestId": 3}]}
    )
    azure_repos.main(["propose", str(text), "--branch", "b", "--title", "t"])
    assert [row[1] for row in calls[1:]] == ["pullRequests/3/threads"]


def test_a_refusal_is_a_failure(monkeypatch, text, capsys):
    def refuse(*arguments):
        raise urllib.error.URLError("forbidden")

    monkeypatch.setattr(azure_repos, "call", refuse)
    monkeypatch.setenv("SYSTEM_PULLREQUEST_PULLREQUESTID", "5")
    assert azure_repos.main(["comment", str(text)]) == 1
    assert "forbidden" in capsys.readouterr().err
