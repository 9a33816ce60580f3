"""Notebooks explore. What runs as a job, or is deployed, is code with tests."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = ROOT / "ml" / "exploration"
FOLDERS = ("ml", "scripts", "infra", "gateway", "monitoring", "tests")
CODE = re.compile(r"^\s*code:\s*[\"']?([./][^\s\"']*)", re.MULTILINE)


def notebooks(folder):
    """Notebooks below a folder; what a run or an editor leaves behind lies in hidden folders."""
    found = folder.rglob("*.ipynb")
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def test_notebooks_lie_where_nothing_is_deployed_from():
    found = [path for name in FOLDERS for path in notebooks(ROOT / name)]
    assert [str(path.relative_to(ROOT)) for path in found if not path.is_relative_to(HOME)] == []


@pytest.mark.parametrize("path", notebooks(HOME), ids=lambda path: path.name)
def test_notebooks_are_committed_without_what_they_showed(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not [cell["id"] for cell in cells if cell.get("outputs")], "clear the outputs: they hold data"


def test_no_job_takes_the_folder_with_the_notebooks():
    for path in (ROOT / "ml").rglob("*.yml"):
        for code in CODE.findall(path.read_text(encoding="utf-8")):
            taken = (path.parent / code).resolve()
            assert not HOME.is_relative_to(taken), f"{path.relative_to(ROOT)} takes {code}, name a folder beside it"


def test_the_bundle_leaves_the_notebooks_out():
    bundle = ROOT / "ml" / "databricks.yml"
    if bundle.is_file():
        assert "- exploration/**" in bundle.read_text(encoding="utf-8").partition("exclude:")[2]
