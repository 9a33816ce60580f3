"""Rendering many projects gives what `copier copy` gives, leaves nothing behind, and notices a changed template."""

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from generator.answers import load, variants
from generator.errors import GroundplanError
from generator.rendering import Job, render, render_many
from tests.support import assert_refused, groundplan

COPIER = str(Path(sys.executable).parent / "copier")


def tree(folder):
    """Path -> content and executable bit of every file."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o111)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["default", "awkward-owner", "regulated-two-regions", "smallest-prototype"])
def test_identical_to_copier_copy(template_repo, tmp_path, name):
    """Twice in one process, so that texts that were compiled before are used too."""
    path = next(variant.path for variant in variants() if variant.name == name)
    command = [COPIER, "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", "--data-file", str(path)]
    subprocess.run([*command, str(template_repo), str(tmp_path / "copier")], check=True, capture_output=True)
    for attempt in ("first", "second"):
        render(load(path), tmp_path / attempt, template_repo)
        assert tree(tmp_path / attempt) == tree(tmp_path / "copier")
        assert filecmp.dircmp(tmp_path / attempt, tmp_path / "copier").left_only == []


def test_pool_writes_the_same(template_repo, tmp_path):
    path = variants()[0].path
    render(load(path), tmp_path / "alone", template_repo)
    jobs = [Job(str(number), load(path), tmp_path / f"pool{number}") for number in range(3)]
    assert render_many(jobs, workers=2, root=template_repo) == []
    assert all(tree(job.destination) == tree(tmp_path / "alone") for job in jobs)


def test_changed_template_is_noticed(template_repo, tmp_path):
    render({}, tmp_path / "before", template_repo)
    record = template_repo / "template" / "docs" / "decisions" / "scope.md.jinja"
    record.write_text(record.read_text() + "\nOne more line.\n")
    question = template_repo / "generator" / "questions" / "10-start.yml"
    question.write_text(question.read_text().replace("default: AI workload", "default: Another workload"))
    render({}, tmp_path / "after", template_repo)
    text = (tmp_path / "after" / "docs" / "decisions" / "scope.md").read_text()
    assert text.endswith("One more line.\n") and "Another workload" in text


def test_refused_answer_leaves_nothing_behind(template_repo, tmp_path):
    with pytest.raises(GroundplanError, match=r"^workload: "):
        render({"workload": "Has-Dash"}, tmp_path / "out", template_repo)
    assert not (tmp_path / "out").exists()


def test_one_bad_project_does_not_stop_the_others(template_repo, tmp_path):
    jobs = [Job("good", {}, tmp_path / "good"), Job("bad", {"workload": "Has-Dash"}, tmp_path / "bad")]
    failed = render_many(jobs, workers=2, root=template_repo)
    assert [job.name for job, _ in failed] == ["bad"]
    assert (tmp_path / "good" / "README.md").is_file() and not (tmp_path / "bad").exists()


def test_broken_template_is_one_sentence(template_repo, tmp_path):
    record = template_repo / "template" / "docs" / "decisions" / "scope.md.jinja"
    record.write_text("{{ nobody_knows_this }}\n")
    with pytest.raises(GroundplanError, match="The template fails on these answers"):
        render({}, tmp_path / "out", template_repo)
    assert not (tmp_path / "out").exists()


def test_occupied_destination_is_refused(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    assert_refused(groundplan("new", tmp_path / "taken", "--defaults"), "is not empty")
    assert (tmp_path / "taken" / "file").read_text() == "mine"
    assert_refused(groundplan("new", tmp_path / "taken" / "file", "--defaults"), "is a file")


def test_new_takes_defaults_answers_and_data(tmp_path):
    run = groundplan("new", tmp_path / "a", "--defaults", "--data", "project_name=Contoso Vision")
    assert run.returncode == 0, run.stderr
    assert "# Contoso Vision" in (tmp_path / "a" / "README.md").read_text()
    run = groundplan("new", tmp_path / "b", "--answers", "batch-only")
    assert run.returncode == 0, run.stderr
    assert "Decided for Invoice scoring" in run.stderr
    assert_refused(groundplan("new", tmp_path / "c", "--defaults", "--data", "project_name"), "write key=value")


def test_without_a_terminal_the_interview_says_so(tmp_path):
    assert_refused(groundplan("new", tmp_path / "a"), "no terminal to ask on")
    assert not (tmp_path / "a").exists()


def test_random_projects(tmp_path):
    run = groundplan("render", "--random", "3", "--seed", "7", "--out", tmp_path)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["random-7-000", "random-7-001", "random-7-002"]
    assert_refused(groundplan("render", "default", "--random", "1"), "not both")
