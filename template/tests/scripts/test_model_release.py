"""A change of the chat model as the pipeline runs it, without Azure and without a gateway."""

import gateway_revision
import model_release as release
import pytest

LIST = "apim api revision list"
RELEASE = "apim api release create"
GATEWAY = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-demo"
PLACE = ["--workload=demo", "--environment=test", "--api=foundation"]
NAMES = ["--old=1", "--new=5"]
CHECK = ["--percent=10", "--since=0", "--minutes=60", "--longest-ms=2000", "--most-failed-percent=1"]
OLD, NEW = "gpt-old", "gpt-new"
SHARES = {5: 0, 6: 10, 7: 50, 8: 100}


def rows(current):
    """A plain revision, then those of a change."""
    told = {
        1: f"chat is {OLD}",
        **{number: f"chat is {OLD}, and {NEW} for {share} %" for number, share in SHARES.items()},
    }
    return [
        {"apiRevision": str(number), "isCurrent": number == current, "description": text}
        for number, text in told.items()
    ]


@pytest.fixture
def platform(azure, monkeypatch):
    for module in (release, gateway_revision):
        monkeypatch.setattr(module, "az", azure)
    outputs = {"gatewayId": {"value": GATEWAY}, "gatewayUrl": {"value": "https://apim-demo.azure-api.net"}}
    azure.answers["stack sub show"] = {"outputs": outputs, "parameters": {}}
    azure.answers[LIST] = rows(current=1)
    return azure


@pytest.fixture
def measured(platform, monkeypatch):
    """What two accounts measure in the hour since the last step: calls by status code, latencies; to be changed."""
    platform.answers["cognitiveservices account list"] = [{"id": "/accounts/primary"}, {"id": "/accounts/secondary"}]
    monkeypatch.setattr(release.time, "time", lambda: 3600.0)
    platform.answers[LIST] = rows(current=6)
    found = {
        ("AzureOpenAIRequests", NEW): {"200": [40, None, 60], "429": [5]},
        ("AzureOpenAITTLTInMS", NEW): {"": [1500, 1700]},
        ("AzureOpenAITTLTInMS", OLD): {"": [1400, 1600]},
    }

    def az(*arguments):
        platform(*arguments)
        if arguments[0] != "monitor":
            known = [words for words in platform.answers if " ".join(arguments).startswith(words)]
            return platform.answers[max(known, key=len)]
        given = dict(zip(arguments, arguments[1:], strict=False))
        model = given["--filter"].split("'")[1]
        series = found.get((given["--metrics"], model), {}) if given["--resource"].endswith("primary") else {}
        if callable(series):
            series = series(given["--start-time"])
        key = given["--aggregation"].lower()
        return {
            "value": [
                {
                    "timeseries": [
                        {
                            "metadatavalues": [{"name": {"value": "statuscode"}, "value": status}],
                            "data": [{key: value} if value is not None else {} for value in points],
                        }
                        for status, points in series.items()
                    ]
                }
            ]
        }

    monkeypatch.setattr(release, "az", az)
    return found


def run(command, *arguments):
    return release.main([command, *PLACE, *arguments])


def released(platform):
    """Numbers of the revisions that were made current."""
    return [command.split("--api-revision ")[1].split()[0] for command in platform.said(RELEASE)]


def test_the_newest_change_is_chosen(platform, capsys):
    assert run("choose") == 0
    assert capsys.readouterr().out == "old=1\nnew=5\n"


def test_a_change_that_was_taken_back_can_start_again(platform, capsys):
    platform.answers[LIST] = rows(current=5)
    assert run("choose") == 0
    assert capsys.readouterr().out == "old=5\nnew=5\n"


def test_a_second_change_to_the_same_model_is_another_one(platform, capsys):
    again = [{**row, "apiRevision": str(int(row["apiRevision"]) + 4), "isCurrent": False} for row in rows(0)[1:]]
    platform.answers[LIST] = rows(current=1) + again
    assert run("choose") == 0
    assert capsys.readouterr().out == "old=1\nnew=9\n"
    assert run("shift", *NAMES, "--percent=10") == 1
    assert run("offer", *NAMES) == 0
    assert released(platform) == ["5"]


def test_without_a_successor_there_is_nothing_to_release(platform, capsys):
    platform.answers[LIST] = rows(current=1)[:1]
    assert run("choose") == 1
    assert "name one in chatModels" in capsys.readouterr().err


@pytest.mark.parametrize(("current", "says"), [(6, "10 % of chat: a release of it has not ended"), (8, "already")])
def test_a_release_that_broke_off_or_is_done_is_said(platform, capsys, current, says):
    platform.answers[LIST] = rows(current)
    assert run("choose") == 1
    assert says in capsys.readouterr().err
    assert not platform.said(RELEASE)


@pytest.fixture
def asked(platform, monkeypatch):
    """What the successor is asked; it answers with the status of `replies`."""
    sent, replies = [], {"good": release.contract_test.Reply(200, "application/json", "{}")}
    cases = [
        {"operation": "createChatCompletion", "path": "/c", "name": "good", "body": {"model": OLD}, "status": 200},
        {"operation": "createChatCompletion", "path": "/c", "name": "other", "body": {"model": "x"}, "status": 400},
        {"operation": "createEmbedding", "path": "/e", "name": "vector", "body": {"model": "e"}, "status": 200},
    ]
    row = {"path": "/foundation/v1", "consumer": "<environment>-a", "cases": cases}
    monkeypatch.setattr(release.contract_test, "contracts", lambda: {"foundation": row})
    monkeypatch.setattr(release, "find", lambda environment, consumer: f"door of {environment} for {consumer}")

    def ask(door, path, case):
        sent.append((path, case["body"]["model"]))
        refused = release.contract_test.Reply(400, "application/json", "{}")
        return replies.get(case["name"], refused)

    monkeypatch.setattr(release.contract_test, "ask", ask)
    monkeypatch.setattr(release.evaluation_test, "evaluate", lambda door, path, model: sent.append((path, model)))
    return sent, replies


def test_the_successor_is_asked_by_its_name_where_callers_do_not_ask(asked):
    assert run("test", *NAMES) == 0
    address = "/foundation/v1;rev=5"
    assert asked[0] == [(f"{address}/c", NEW), (f"{address}/c", "x"), (f"{address}/chat/completions", NEW)]


def test_a_successor_that_breaks_the_contract_gets_no_further(asked, capsys):
    asked[1]["good"] = release.contract_test.Reply(404, "application/json", "{}")
    assert run("test", *NAMES) == 1
    assert f"{NEW} breaks the contract:\ngood: the status is 404" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "current", "moved"),
    [
        (["offer"], 1, ["5"]),
        (["offer"], 5, []),
        (["shift", "--percent=10"], 5, ["6"]),
        (["shift", "--percent=50"], 6, ["7"]),
        (["shift", "--percent=100"], 7, ["8"]),
        (["shift", "--percent=50"], 7, []),
    ],
)
def test_each_step_moves_one_on_and_can_be_repeated(platform, command, current, moved):
    platform.answers[LIST] = rows(current)
    assert run(command[0], *NAMES, *command[1:]) == 0
    assert released(platform) == moved


@pytest.mark.parametrize(
    ("command", "current"), [(["offer"], 6), (["shift", "--percent=50"], 5), (["shift", "--percent=100"], 1)]
)
def test_no_step_is_skipped_and_nobody_is_overrun(platform, capsys, command, current):
    platform.answers[LIST] = rows(current)
    assert run(command[0], *NAMES, *command[1:]) == 1
    assert "which this release did not make so" in capsys.readouterr().err
    assert not platform.said(RELEASE)


def test_a_share_that_was_not_deployed_is_said(platform, capsys):
    assert run("shift", *NAMES, "--percent=25") == 1
    assert f"No revision gives {NEW} 25 % of chat" in capsys.readouterr().err


def test_a_good_successor_passes(measured, platform, capsys):
    assert run("check", *NAMES, *CHECK) == 0
    assert f"{NEW}: 105 calls, 0.00 % failed, 1600 ms on average." in capsys.readouterr().out
    metrics = platform.said("monitor metrics list")
    assert {"/accounts/primary", "/accounts/secondary"} == {line.split("--resource ")[1].split()[0] for line in metrics}
    assert "1970-01-01T00:00:00Z --end-time 1970-01-01T01:00:00Z" in metrics[0]


@pytest.mark.parametrize(
    ("metric", "model", "series", "says"),
    [
        ("AzureOpenAIRequests", NEW, {}, "got 0 calls, 20 are needed"),
        ("AzureOpenAIRequests", NEW, {"200": [19]}, "got 19 calls"),
        ("AzureOpenAIRequests", NEW, {"200": [97], "500": [2], "503": [1]}, "3.00 % of the calls"),
        ("AzureOpenAITTLTInMS", NEW, {}, f"no latency of {NEW}"),
        ("AzureOpenAITTLTInMS", NEW, {"": [2100]}, "takes 2100 ms on average, 2000 ms may"),
        ("AzureOpenAITTLTInMS", OLD, {"": [1000]}, f"takes 1600 ms, of {OLD} 1000 ms: 1500 ms may be"),
        ("AzureOpenAITTLTInMS", OLD, {}, f"no latency of {OLD}"),
    ],
    ids=["no traffic", "too little", "erroring", "no latency", "slow", "slower", "nothing to compare"],
)
def test_a_bad_or_unknown_successor_is_stopped(measured, capsys, metric, model, series, says):
    measured[metric, model] = series
    assert run("check", *NAMES, *CHECK) == 1
    assert says in capsys.readouterr().err


def test_what_broke_lately_is_not_lost_in_the_sum(measured, capsys):
    lately = {"200": [10], "500": [1]}
    measured["AzureOpenAIRequests", NEW] = lambda start: lately if "T00:45" in start else {"200": [1000], "500": [1]}
    assert run("check", *NAMES, *CHECK) == 1
    assert "failed lately" in capsys.readouterr().err


def test_first_tokens_count_where_answers_stream_and_the_platform_measures_them(measured, capsys):
    measured["AzureOpenAITTLTInMS", NEW] = measured["AzureOpenAITTLTInMS", OLD] = {"": [9000]}
    assert run("check", *NAMES, *CHECK, "--streams") == 0
    measured["AzureOpenAITimeToResponse", NEW] = {"": [2500]}
    assert run("check", *NAMES, *CHECK, "--streams") == 1
    assert f"The first token of {NEW} takes 2500 ms" in capsys.readouterr().err


def test_with_all_calls_there_may_be_nothing_to_compare_with(measured, platform):
    platform.answers[LIST] = rows(current=8)
    measured["AzureOpenAITTLTInMS", OLD] = {}
    assert run("check", *NAMES, "--percent=100", *CHECK[1:]) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [(["--minutes=61"], "Only 60 of 61 minutes"), (["--percent=50"], "Revision 6 is current")],
)
def test_a_check_of_something_else_stops(measured, capsys, change, says):
    assert run("check", *NAMES, *CHECK, *change) == 1
    assert says in capsys.readouterr().err


def test_the_end_needs_all_calls(platform, capsys):
    platform.answers[LIST] = rows(current=8)
    assert run("finish", *NAMES) == 0
    assert f"{OLD} stays" in capsys.readouterr().out
    platform.answers[LIST] = rows(current=7)
    assert run("finish", *NAMES) == 1


@pytest.mark.parametrize(("current", "moved"), [(1, []), (5, ["1"]), (6, ["1"]), (8, ["1"])])
def test_the_way_back_leads_to_the_revision_of_before(platform, current, moved):
    platform.answers[LIST] = rows(current)
    assert run("rollback", *NAMES) == 0
    assert released(platform) == moved


def test_the_way_back_overruns_nobody(platform, capsys):
    platform.answers[LIST] = [*rows(current=0), {"apiRevision": "9", "isCurrent": True, "description": ""}]
    assert run("rollback", *NAMES) == 1
    assert "nothing is moved" in capsys.readouterr().err


def test_a_release_of_the_gateway_moves_to_no_share_by_itself(platform, capsys):
    choose = ["choose", "--environment=test", "--api=foundation"]
    assert gateway_revision.main(choose) == 0
    assert capsys.readouterr().out == "old=1\nnew=5\n"
    platform.answers[LIST] = rows(current=8)
    assert gateway_revision.main(choose) == 1
    assert "to go back, name the number" in capsys.readouterr().err
    assert gateway_revision.main([*choose, "--revision=5"]) == 0
