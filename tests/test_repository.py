"""The repository itself: generated pages are fresh, and nothing in it belongs to somebody's machine."""

import re
import subprocess

import yaml

from generator.paths import ROOT
from tests.support import groundplan


def committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_reference_pages_are_fresh():
    run = groundplan("docs", "--check")
    assert run.returncode == 0, run.stderr


def test_no_path_of_a_machine_and_no_registry():
    forbidden = re.compile(r"/(work|home|root|tmp|Users)/\w|registry\.npmjs|pypi\.org/simple|\.pyenv")
    for path in committed():
        if path == ROOT / "tests" / "test_repository.py":
            continue
        found = forbidden.search(path.read_bytes().decode(errors="replace"))
        assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_copier_configuration_is_short_and_needs_no_trust():
    text = (ROOT / "copier.yml").read_text()
    assert len(text.splitlines()) < 60
    assert "_tasks" not in text and "_jinja_extensions" not in text and "*" not in text


def test_readme_commands_exist():
    """Every groundplan command that a page shows is one, with options that it has."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    used = {
        match.group(1)
        for page in pages
        for match in re.finditer(r"^(?:\.venv/bin/)?groundplan (\w+)", page.read_text(), re.MULTILINE)
    }
    assert {"render", "verify", "resources", "diff"} <= used
    for name in used:
        run = groundplan(name, "--help")
        assert run.returncode == 0, name


def test_workflow_of_ci_calls_the_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.rstrip().endswith("make test")
    assert "make test" in (ROOT / "README.md").read_text()


def test_every_decision_row_is_dated():
    for path in (ROOT / "generator" / "decisions").glob("*.yml"):
        for key, row in yaml.safe_load(path.read_text()).items():
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", row["checked"]), f"{path.name} {key}"
