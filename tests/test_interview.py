"""The interview in a real terminal: a wrong answer is refused on the spot, and Enter alone leads to a project."""

import sys
from pathlib import Path

import pexpect
import pytest

COPIER = str(Path(sys.executable).parent / "copier")
ENTER = "\r"


@pytest.fixture
def interview(template_repo, tmp_path):
    """Start `copier copy` in a terminal of 200 columns."""

    def start(*arguments):
        command = ["copy", *arguments, str(template_repo), str(tmp_path / "out")]
        child = pexpect.spawn(COPIER, command, encoding="utf-8", timeout=60, dimensions=(50, 200))
        child.delaybeforesend = 0.1
        return child

    return start


def finish(child, most=60):
    """Press Enter until the interview ends; give the number of questions that were answered."""
    for asked in range(most):
        if child.expect(["🎤", pexpect.EOF]) == 1:
            child.close()
            return asked
        child.send(ENTER)
    raise AssertionError("the interview does not end")


def test_enter_alone_makes_a_project(interview, tmp_path):
    child = interview()
    finish(child)
    assert child.exitstatus == 0
    assert (tmp_path / "out" / "infra" / "main.bicep").is_file()
    assert (tmp_path / "out" / "docs" / "decisions" / "gateway.md").is_file()


def test_a_wrong_answer_is_refused_on_the_spot(interview, tmp_path):
    child = interview(
        "--data", "profile=prototype", "--data", "detail=essentials", "--data", "project_name=Contoso Vision"
    )
    child.expect("short name")
    child.send("\x15Bad-Name" + ENTER)
    child.expect("Write 2 to 10 lowercase letters and digits")
    child.send("\x15vision7" + ENTER)
    finish(child)
    assert child.exitstatus == 0
    assert "workload: vision7" in (tmp_path / "out" / ".copier-answers.yml").read_text()
