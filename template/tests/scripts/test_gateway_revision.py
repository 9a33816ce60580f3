"""The release of a revision as the pipeline runs it, without Azure and without a gateway."""

import json

import gateway_revision
import pytest

LIST = "apim api revision list"
RELEASE = "apim api release create"
PLACE = ["--environment", "test", "--api", "foundation"]
GATEWAY = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-demo"


class Gateway:
    """Answers requests by the key that they carry, and remembers them."""

    def __init__(self):
        self.stranger = 401
        self.consumer = 200
        self.asked = []

    def __call__(self, address, body, headers):
        self.asked.append((address, body, headers))
        return self.consumer if "api-key" in headers else self.stranger


@pytest.fixture
def gateway(monkeypatch):
    found = Gateway()
    monkeypatch.setattr(gateway_revision, "post", found)
    return found


@pytest.fixture
def platform(azure, monkeypatch, tmp_path):
    monkeypatch.setattr(gateway_revision, "az", azure)
    monkeypatch.setattr(gateway_revision, "SAMPLES", tmp_path)
    sample = {"path": "/chat/completions", "body": {"model": "m"}}
    (tmp_path / "foundation.json").write_text(json.dumps(sample), encoding="utf-8")
    outputs = {"gatewayId": {"value": GATEWAY}, "gatewayUrl": {"value": "https://apim-demo.azure-api.net"}}
    stack = {"outputs": outputs, "parameters": {"callerAudience": {"value": "api://demo"}}}
    azure.answers["stack sub show"] = stack
    azure.answers[LIST] = revisions(current=2)
    azure.answers["rest"] = {"primaryKey": "key"}
    azure.answers["account get-access-token"] = {"accessToken": "token"}
    return azure


def revisions(current):
    return [{"apiRevision": str(number), "isCurrent": number == current} for number in (1, 2, 3)]


def run(command, *arguments):
    return gateway_revision.main([command, *PLACE, *arguments])


@pytest.mark.parametrize(("wanted", "new"), [([], 3), (["--revision="], 3), (["--revision=1"], 1)])
def test_the_newest_comes_next_unless_another_is_wanted(platform, capsys, wanted, new):
    assert run("choose", *wanted) == 0
    assert capsys.readouterr().out == f"old=2\nnew={new}\n"


@pytest.mark.parametrize(("wanted", "says"), [("2", "answers already"), ("9", "no revision 9")])
def test_nothing_to_release_is_said(platform, capsys, wanted, says):
    assert run("choose", f"--revision={wanted}") == 1
    assert says in capsys.readouterr().err


def test_a_revision_is_called_at_its_own_address(platform, gateway):
    assert run("test", "--revision=3", "--consumer=sales") == 0
    stranger, consumer = gateway.asked
    assert {stranger[0], consumer[0]} == {"https://apim-demo.azure-api.net/foundation/v1;rev=3/chat/completions"}
    assert stranger[2] == {} and consumer[2] == {"api-key": "key", "Authorization": "Bearer token"}
    assert f"{GATEWAY}/subscriptions/sales/listSecrets" in platform.said("rest")[0]


def test_the_current_one_is_called_without_a_number(platform, gateway):
    assert run("test", "--consumer=sales") == 0
    assert gateway.asked[0][0] == "https://apim-demo.azure-api.net/foundation/v1/chat/completions"


def test_no_token_is_presented_where_none_is_asked_for(platform, gateway):
    del platform.answers["stack sub show"]["parameters"]["callerAudience"]
    assert run("test", "--consumer=sales") == 0
    assert gateway.asked[1][2] == {"api-key": "key"}
    assert not platform.said("account")


@pytest.mark.parametrize(("stranger", "consumer"), [(200, 200), (404, 200), (401, 500), (401, 429)])
def test_a_revision_that_answers_wrongly_stops_the_release(platform, gateway, stranger, consumer):
    gateway.stranger, gateway.consumer = stranger, consumer
    assert run("test", "--revision=3", "--consumer=sales") == 1


def test_silence_is_a_failure(platform, capsys):
    platform.answers["stack sub show"]["outputs"]["gatewayUrl"]["value"] = "http://127.0.0.1:9"
    assert run("test", "--consumer=sales") == 1
    assert "does not answer" in capsys.readouterr().err


def test_release_makes_a_revision_current(platform):
    assert run("release", "--revision=3", "--run=7") == 0
    (created,) = platform.said(RELEASE)
    assert "--api-id foundation --api-revision 3 --notes Run 7" in created
    assert "--subscription s --resource-group rg --service-name apim-demo" in created


def test_rollback_releases_the_former(platform):
    platform.answers[LIST] = revisions(current=3)
    assert run("rollback", "--revision=2") == 0
    assert "--api-revision 2 --notes Rollback" in platform.said(RELEASE)[0]


def test_rollback_of_an_unreleased_revision_changes_nothing(platform):
    assert run("rollback", "--revision=2") == 0
    assert not platform.said(RELEASE)


def test_without_a_current_revision_nothing_happens(platform, capsys):
    platform.answers[LIST] = []
    assert run("rollback", "--revision=2") == 1
    assert "No revision" in capsys.readouterr().err
