"""The flags of the orchestrator, without Azure."""

import json
import shlex

import azure_cli
import flags
import pytest

SHOW = "stack sub show --name platform-prod"
LIST = "appconfig feature list"
SET = "appconfig kv set"
DELETE = "appconfig feature delete"
STORE = "--endpoint https://appcs-demo-prod-abcde.azconfig.io --auth-mode login"


def row(name, state="on", description="Because.", filters=(), label=None):
    conditions = {"client_filters": list(filters)}
    return {"name": name, "state": state, "description": description, "label": label, "conditions": conditions}


def share(percentage):
    return {"name": "Microsoft.Targeting", "parameters": {"Audience": {"DefaultRolloutPercentage": percentage}}}


@pytest.fixture
def platform(azure, monkeypatch):
    monkeypatch.setattr(flags, "az", azure)
    outputs = {"orchestratorFlagsUrl": {"value": "https://appcs-demo-prod-abcde.azconfig.io"}}
    azure.answers[SHOW] = {"outputs": outputs}
    azure.answers[LIST] = []
    return azure


def run(command, *arguments):
    return flags.main([command, "--environment", "prod", *arguments])


def set_flag(name, state, *more, reason="A model talks too much."):
    return run("set", "--flag", name, "--state", state, "--reason", reason, *more)


def written(platform):
    """The flag that was written, and the rest of the command."""
    (command,) = platform.said(SET)
    before, _, rest = command.partition(" --value ")
    value, _, after = rest.partition(" --content-type ")
    return json.loads(value), f"{before} --content-type {after}"


def test_a_flag_is_written_whole_and_in_one_piece(platform, capsys):
    platform.answers[LIST] = [row("paused")]
    assert set_flag("paused", "on", "--by", "somebody, run 7") == 0
    value, command = written(platform)
    assert value == {
        "id": "paused",
        "description": "A model talks too much. (somebody, run 7)",
        "enabled": True,
        "conditions": {"client_filters": []},
    }
    words = shlex.split(command)
    assert words[words.index("--key") + 1] == ".appconfig.featureflag/paused"
    assert words[words.index("--content-type") + 1] == "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
    assert "--yes" in words and STORE in command
    assert platform.asked[-1].startswith(LIST) and "paused" in capsys.readouterr().out


def test_a_percentage_is_one_of_callers(platform):
    assert set_flag("candidate-instructions", "on", "--percentage", "20") == 0
    value, _ = written(platform)
    audience = {"Users": [], "Groups": [], "DefaultRolloutPercentage": 20}
    wanted = [{"name": "Microsoft.Targeting", "parameters": {"Audience": audience}}]
    assert value["conditions"]["client_filters"] == wanted


def test_a_flag_that_is_off_keeps_no_percentage(platform):
    assert set_flag("candidate-instructions", "off") == 0
    value, _ = written(platform)
    assert value["enabled"] is False and value["conditions"] == {"client_filters": []}


def test_a_flag_is_forgotten(platform):
    assert set_flag("paused", "unset") == 0
    assert platform.said(DELETE) == [f"{DELETE} --feature paused --yes {STORE}"]
    assert not platform.said(SET)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pause", "on"), "knows no flag pause, but candidate-instructions, paused"),
        (("paused", "on", "--percentage", "0"), "from 1 to 100"),
        (("paused", "on", "--percentage", "101"), "from 1 to 100"),
        (("paused", "off", "--percentage", "20"), "Only a flag that is on"),
        (("paused", "unset", "--percentage", "20"), "Only a flag that is on"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(platform, capsys, arguments, said):
    assert set_flag(*arguments) == 1
    assert said in capsys.readouterr().err
    assert not platform.said(SET) and not platform.said(DELETE)


def test_a_reason_is_asked_for(platform, capsys):
    assert set_flag("paused", "on", reason="  ") == 1
    assert "Give the reason" in capsys.readouterr().err
    assert not platform.said(SET)


def test_the_list_says_how_each_flag_stands(platform, capsys):
    platform.answers[LIST] = [
        row("candidate-instructions", "conditional", "Try it.", [share(20)]),
        row("candidate-instructions", "off", "Somebody else's.", label="other"),
        row("former", "on"),
    ]
    assert run("list") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "candidate-instructions on for 20 % Try it.",
        f"paused off (not set) {flags.known()['paused']}",
        "former unknown No code asks for it.",
    ]
    assert platform.said(LIST) == [f"{LIST} --all {STORE}"]


@pytest.mark.parametrize(
    ("state", "filters", "said"),
    [("on", [], "on"), ("off", [share(20)], "off"), ("conditional", [{"name": "Microsoft.TimeWindow"}], "on for some")],
)
def test_states_that_others_set_are_told(platform, capsys, state, filters, said):
    platform.answers[LIST] = [row("paused", state, "Why.", filters)]
    assert run("list") == 0
    assert f"paused {said} Why." in " ".join(capsys.readouterr().out.split())


def test_a_store_out_of_reach_is_one_sentence(platform, monkeypatch, capsys):
    def refuse(*arguments):
        raise azure_cli.Failure("az appconfig feature list: Public access is disabled.")

    monkeypatch.setattr(flags, "az", refuse)
    assert run("list") == 1
    assert capsys.readouterr().err == "az appconfig feature list: Public access is disabled.\n"
