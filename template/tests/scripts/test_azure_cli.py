"""The door to the Azure CLI, with a program that stands in for it."""

import os

import azure_cli
import pytest


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Writes the program that is called as `az`."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(text):
        path = tmp_path / "az"
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    return write


def test_answer_is_read_from_json(program):
    program('[ "$1 $2" = "group list" ] && echo \'[{"name": "a"}]\'')
    assert azure_cli.az("group", "list") == [{"name": "a"}]


def test_silence_is_none(program):
    program("exit 0")
    assert azure_cli.az("group", "delete") is None


@pytest.mark.parametrize("answer", ['{"id": "/s", "outputs": {}}', '{"id": "/s", "properties": {"outputs": {}}}'])
def test_stack_is_read_however_the_cli_shows_it(program, answer):
    program(f'[ "$*" = "stack sub show --name platform-dev --only-show-errors --output json" ] && echo \'{answer}\'')
    found = azure_cli.deployed("dev")
    assert (found["id"], found["outputs"]) == ("/s", {})


def test_failure_says_what_the_platform_said(program):
    program("echo quota exceeded >&2; exit 3")
    with pytest.raises(azure_cli.Failure, match="az group create: quota exceeded"):
        azure_cli.az("group", "create")


def test_text_for_people_fails_too(program):
    program("exit 1")
    with pytest.raises(azure_cli.Failure):
        azure_cli.show("group", "list")


def test_missing_program_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(azure_cli.Failure, match="The Azure CLI is missing"):
        azure_cli.az("group", "list")


def test_outputs_of_a_deployment_have_their_values(program):
    program('[ "$5" = platform-dev ] && echo \'{"properties": {"outputs": {"address": {"value": "a"}}}}\'')
    assert azure_cli.deployed_outputs("dev") == {"address": "a"}


def test_body_is_sent_in_a_file(program, tmp_path):
    program(f'for word in "$@"; do case "$word" in @*) cat "${{word#@}}" > {tmp_path}/sent;; esac; done')
    azure_cli.send("put", "https://management.azure.com/x", {"secret": "s"})
    assert (tmp_path / "sent").read_text(encoding="utf-8") == '{"secret": "s"}'


def test_exit_code_tells_the_reason(capsys):
    def refused():
        raise azure_cli.Failure("No quota is left.")

    assert azure_cli.exit_code(refused) == 1
    assert capsys.readouterr().err == "No quota is left.\n"
    assert azure_cli.exit_code(lambda: None) == 0
