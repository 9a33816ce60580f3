"""Plain Copier from a git clone, as a new user runs it: no --trust, no extra package, no leftovers after a refusal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COPIER = [str(Path(sys.executable).parent / "copier")]


def copier(*arguments):
    return subprocess.run(
        [*COPIER, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "LANG": "C.UTF-8"}
    )


def test_defaults_need_no_trust(template_repo, tmp_path):
    run = copier(
        "copy", "--defaults", "--data", "project_name=Contoso Vision", str(template_repo), str(tmp_path / "out")
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out" / "infra" / "main.bicep").is_file()
    assert (tmp_path / "out" / ".copier-answers.yml").is_file()


def test_message_says_what_was_decided_in_15_lines(template_repo, tmp_path):
    everything = "functions=[eda,training,fine_tuning,online_inference,batch_inference]"
    run = copier("copy", "--defaults", "--quiet", "--data", everything, str(template_repo), str(tmp_path / "quiet"))
    assert run.returncode == 0
    run = copier("copy", "--defaults", "--data", everything, str(template_repo), str(tmp_path / "out"))
    lines = run.stderr.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("Decided for "))
    message = [line for line in lines[start:] if line.strip()]
    assert len(message) <= 15
    for topic in ("Placement", "Network", "Exploration", "Training", "Own models", "Foundation", "Batch", "Gateway"):
        assert any(line.strip().startswith(topic) and ": " in line for line in message), topic
    assert any("deploy.py apply dev" in line for line in message)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("workload=Has-Dash", "2 to 10 lowercase letters"),
        ("functions=[]", "at least one function"),
        ("vnet_address_prefix=172.17.0.0/20", "overlaps"),
        ("gateway_tier=standard_v2", "no availability zones"),
    ],
)
def test_wrong_answer_leaves_nothing_behind(template_repo, tmp_path, answer, says):
    run = copier("copy", "--defaults", "--data", answer, str(template_repo), str(tmp_path / "out"))
    assert run.returncode != 0
    assert says in run.stderr
    assert not (tmp_path / "out").exists()
