"""The release of the orchestrator as the pipeline runs it, without Azure and without Docker."""

import io
import urllib.error

import orchestrator_revision as release
import pytest

APP = "containerapp show"
REVISION = "containerapp revision show"
SHARE = "containerapp ingress traffic set"
DIGEST = "sha256:" + "a" * 64
IMAGE = f"cr1.azurecr.io/orchestrator@{DIGEST}"
OLD, NEW = "ca-demo-test--first", "ca-demo-test--rabcdef1-42"
PLACE = ["--workload=demo", "--environment=test"]
NAMES = [f"--old={OLD}", f"--new={NEW}"]
CREATE = ["--commit=abcdef1234567", f"--image={IMAGE}", "--run=42"]


def app(*traffic):
    rows = [{"revisionName": name, "weight": weight} for name, weight in traffic]
    return {"id": "/app", "properties": {"latestRevisionName": OLD, "configuration": {"ingress": {"traffic": rows}}}}


def series(*values, key="total"):
    return {"value": [{"timeseries": [{"data": [{key: value} for value in values]}]}]}


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(release, "az", azure)
    monkeypatch.setattr(release.time, "sleep", lambda seconds: None)
    outputs = {"orchestratorSubscriptionId": "/apim/subscriptions/orchestrator", "orchestratorRegistryName": "cr1"}
    values = {name: {"value": value} for name, value in outputs.items()}
    parameters = {"orchestratorClientId": {"value": "client-1"}}
    azure.answers["deployment sub show"] = {"properties": {"outputs": values, "parameters": parameters}}
    azure.answers["account get-access-token --scope client-1/.default"] = {"accessToken": "token-1"}
    azure.answers["acr show"] = {"loginServer": "cr1.azurecr.io"}
    azure.answers["acr repository show"] = {"digest": DIGEST}
    azure.answers["keyvault list"] = [{"id": "/vaults/kv-1"}]
    azure.answers["rest --method post"] = {"primaryKey": "key-1"}
    azure.answers["containerapp list"] = [{"name": "ca-demo-test"}]
    azure.answers[APP] = app((OLD, 100))
    azure.answers[REVISION] = {"properties": {"healthState": "Healthy", "fqdn": "new.internal", "active": True}}
    azure.answers["monitor metrics list"] = series()
    return azure


@pytest.fixture
def asked(monkeypatch):
    """What is sent to revisions; they answer with the first of `answers`."""
    sent, replies = [], [b'{"answer": "ready"}']

    def answer(request, timeout):
        assert request.get_header("Authorization") == "Bearer token-1"
        sent.append(request.full_url)
        if isinstance(replies[0], Exception):
            raise replies[0]
        return io.BytesIO(replies[0])

    monkeypatch.setattr(release.urllib.request, "urlopen", answer)
    return sent, replies


@pytest.fixture
def built(monkeypatch):
    """Commands of Docker."""
    commands = []
    monkeypatch.setattr(release, "docker", lambda *arguments: commands.append(arguments[0]))
    return commands


def run(command, *arguments):
    return release.main([command, *PLACE, *arguments])


def test_a_known_image_is_not_built_again(platform, built, capsys):
    assert run("publish", "--commit=abc") == 0
    assert f"image={IMAGE}\n" in capsys.readouterr().out
    assert built == []


def test_a_new_image_is_built_and_pushed(platform, built, monkeypatch):
    missing = [True]

    def az(*arguments):
        if arguments[:3] == ("acr", "repository", "show") and missing:
            missing.pop()
            raise release.Failure("not found")
        return platform(*arguments)

    monkeypatch.setattr(release, "az", az)
    assert run("publish", "--commit=abc") == 0
    assert built == ["build", "push"]


def test_the_key_goes_into_the_vault_and_into_no_argument(platform, built):
    assert run("publish", "--commit=abc") == 0
    (put,) = platform.said("rest --method put")
    assert "/vaults/kv-1/secrets/gateway-key?" in put
    assert platform.bodies == [{"properties": {"value": "key-1"}}]
    assert "key-1" not in " ".join(platform.asked)


def test_without_a_service_the_way_to_one_is_told(platform, built, capsys):
    platform.answers["containerapp list"] = []
    assert run("publish", "--commit=abc") == 1
    assert f"--parameters orchestratorImage={IMAGE}." in capsys.readouterr().err


def test_the_new_revision_is_made_without_traffic_and_asked(platform, asked, capsys):
    assert run("create", *CREATE) == 0
    (made,) = platform.said("containerapp update")
    assert f"--image {IMAGE} --revision-suffix rabcdef1-42" in made
    assert [command.split("--revision-weight ")[1] for command in platform.said(SHARE)] == [f"{OLD}=100"]
    assert platform.asked.index(platform.said(SHARE)[0]) < platform.asked.index(made)
    assert asked[0] == ["https://new.internal/answers"]
    assert capsys.readouterr().out.endswith(f"old={OLD}\nnew={NEW}\n")


def test_traffic_of_the_latest_revision_gets_its_name_first(platform, asked):
    platform.answers[APP]["properties"]["configuration"]["ingress"]["traffic"] = [
        {"latestRevision": True, "weight": 100}
    ]
    assert run("create", *CREATE) == 0
    assert platform.said(SHARE)[0].endswith(f"--revision-weight {OLD}=100")


def test_two_releases_at_once_are_refused(platform, asked, capsys):
    platform.answers[APP] = app((OLD, 90), ("ca-demo-test--other", 10))
    assert run("create", *CREATE) == 1
    assert "end the other release first" in capsys.readouterr().err
    assert not platform.said("containerapp update")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b'{"answer": ""}', "answers nothing"),
        (urllib.error.HTTPError("", 502, "", {}, io.BytesIO(b"refused")), "answers 502: refused"),
        (OSError("no route"), "cannot be asked: no route"),
        (b"<html>", "cannot be asked"),
    ],
)
def test_a_revision_that_does_not_answer_gets_no_further(platform, asked, capsys, reply, says):
    asked[1][0] = reply
    assert run("create", *CREATE) == 1
    assert says in capsys.readouterr().err


def test_an_unhealthy_revision_is_waited_for_but_not_for_ever(platform, asked, monkeypatch, capsys):
    sick = {"properties": {"healthState": "Unhealthy", "fqdn": "new.internal"}}
    platform.turns[REVISION] = [sick, sick]
    assert run("create", *CREATE) == 0
    platform.answers[REVISION] = sick
    clock = iter(range(0, 10_000, 400))
    monkeypatch.setattr(release.time, "monotonic", lambda: next(clock))
    assert run("create", *CREATE) == 1
    assert "is Unhealthy after 10 minutes" in capsys.readouterr().err


@pytest.mark.parametrize(("percent", "shares"), [(20, f"{OLD}=80 {NEW}=20"), (100, f"{OLD}=0 {NEW}=100")])
def test_traffic_moves(platform, percent, shares):
    assert run("shift", *NAMES, f"--percent={percent}") == 0
    assert platform.said(SHARE)[0].endswith(f"--revision-weight {shares}")


@pytest.mark.parametrize(
    ("requests", "errors", "restarts", "says"),
    [
        ([], [], [], "nobody called it"),
        ([1000], [], [], ""),
        ([1000], [900], [], "% of the requests failed"),
        ([1000], [], [1], "restarted"),
    ],
)
def test_the_new_revision_is_judged(platform, monkeypatch, capsys, requests, errors, restarts, says):
    found = {"RestartCount": series(*restarts, key="maximum"), "5xx": series(*errors), "Requests": series(*requests)}

    def az(*arguments):
        platform(*arguments)
        if arguments[0] != "monitor":
            return app((NEW, 100))
        text = " ".join(arguments)
        return next(answer for word, answer in found.items() if word in text)

    monkeypatch.setattr(release, "az", az)
    monkeypatch.setattr(release.time, "time", lambda: 3600.0)
    assert run("check", *NAMES, "--since=0", "--minutes=60") == (1 if says else 0)
    assert says in capsys.readouterr().err
    assert all(f"revisionName eq '{NEW}'" in command for command in platform.said("monitor"))


def test_a_wait_that_is_not_set_up_stops(platform, monkeypatch, capsys):
    monkeypatch.setattr(release.time, "time", lambda: 60.0)
    assert run("check", *NAMES, "--since=0", "--minutes=30") == 1
    assert "Only 1 of 30 minutes" in capsys.readouterr().err


def test_the_end_stops_what_gets_no_traffic(platform):
    platform.answers[APP] = app((NEW, 100))
    platform.answers["containerapp revision list"] = [{"name": OLD}, {"name": NEW}, {"name": "ca-demo-test--x"}]
    assert run("finish", *NAMES) == 0
    stopped = [command.split("--revision ")[1] for command in platform.said("containerapp revision deactivate")]
    assert stopped == [OLD, "ca-demo-test--x"]


def test_nothing_is_stopped_while_the_old_one_answers(platform, capsys):
    platform.answers[APP] = app((OLD, 80), (NEW, 20))
    assert run("finish", *NAMES) == 1
    assert not platform.said("containerapp revision deactivate")


def test_rollback_gives_the_traffic_back(platform):
    platform.answers[APP] = app((OLD, 80), (NEW, 20))
    assert run("rollback", *NAMES) == 0
    assert platform.said(SHARE)[0].endswith(f"--revision-weight {OLD}=100 {NEW}=0")
    assert not platform.said("containerapp revision activate")


def test_rollback_starts_a_revision_that_was_stopped(platform):
    platform.answers[APP] = app((NEW, 100))
    platform.turns[REVISION] = [{"properties": {"active": False}}]
    assert run("rollback", *NAMES) == 0
    activated, shared = platform.said("containerapp revision activate")[0], platform.said(SHARE)[0]
    assert platform.asked.index(activated) < platform.asked.index(shared)


def test_rollback_of_a_release_that_moved_nothing_changes_nothing(platform):
    assert run("rollback", *NAMES) == 0
    assert not platform.said(SHARE)
