"""What all tools share, and checkov over evaluated resources; test_tools_faults.py has the faults of each tool."""

import shutil
import sys

import pytest

from generator import tools
from generator.evaluation import Environment, Project, Resource
from generator.tools import common, documents, security, services

GOOD = {
    "a.json": '{"a": 1}\n',
    "b.yml": "a: 1\n",
    "README.md": "# Title\n\nSee [the other page](docs/other.md#part).\n",
    "docs/other.md": "# Other\n\n## Part\n\nText.\n",
}


@pytest.fixture
def project(tmp_path):
    for name, text in GOOD.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(root):
    return tools.run(Project(root, {}, {}, {}, []))


def test_a_tidy_project_holds(project):
    results = {result.tool: result for result in run(project)}
    assert {
        name: (result.verdict, result.files) for name, result in results.items() if result.verdict != tools.ABSENT
    } == {
        "json": (tools.HOLDS, 1),
        "yamllint": (tools.HOLDS, 1),
        "markdownlint": (tools.HOLDS, 2),
        "lychee": (tools.HOLDS, 2),
        "coverage": (tools.HOLDS, 4),
    }


def test_nothing_to_look_at_does_not_apply(tmp_path):
    for result in run(tmp_path):
        assert (result.verdict, result.files) == (tools.ABSENT, 0)


def test_generated_folders_are_not_looked_at(project):
    (project / ".venv").mkdir()
    (project / ".venv" / "bad.json").write_text("{")
    assert documents.check_json(project).verdict == tools.HOLDS


def evaluated(root, **properties):
    """A project with one storage account in dev."""
    safe = {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Disabled",
        "supportsHttpsTrafficOnly": True,
        "networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"},
    }
    account = {
        "id": "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone",
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2026-04-01",
        "name": "stone",
        "location": "swedencentral",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS"},
        "properties": {**safe, **properties},
    }
    dev = Environment("dev", (Resource(account),), {}, [], {})
    return Project(root, {"private": True}, {"dev": dev}, {}, [])


def test_checkov_reads_evaluated_resources(tmp_path):
    assert security.check_security(evaluated(tmp_path)).verdict == tools.HOLDS
    result = security.check_security(evaluated(tmp_path, publicNetworkAccess="Enabled", supportsHttpsTrafficOnly=False))
    assert result.verdict == tools.BROKEN and result.files == 1
    assert any("dev: " in fault and "stone" in fault for fault in result.faults)


def test_checkov_is_missed(tmp_path, monkeypatch):
    monkeypatch.setattr(services, "running", {})
    monkeypatch.setattr(common, "program", lambda name, folder: None)
    result = security.check_security(evaluated(tmp_path))
    assert result.verdict == tools.BROKEN and "is not installed" in result.faults[0]
    # An interpreter without checkov stands for an installation that is damaged.
    monkeypatch.setattr(common, "program", lambda name, folder: sys.executable)
    assert "No module named 'checkov'" in security.check_security(evaluated(tmp_path)).faults[0]


@pytest.mark.parametrize("report", [[], {"passed": 0}, {"summary": {"parsing_errors": 0}}])
def test_checkov_that_looked_at_nothing_is_broken(tmp_path, monkeypatch, report):
    monkeypatch.setattr(services, "ask", lambda name, command, request: report)
    result = security.check_security(evaluated(tmp_path))
    assert (result.verdict, result.faults) == (tools.BROKEN, ["checkov looked at nothing."])


def test_a_tool_that_looked_elsewhere_is_broken(project, monkeypatch):
    real = common.program
    monkeypatch.setattr(common, "program", lambda name, folder: shutil.which("true"))
    result = documents.check_markdown(project)
    assert result.verdict == tools.BROKEN and "looked at other files" in result.faults[0]
    monkeypatch.setattr(common, "program", real)
    (project / "README.md").write_text("# Title\n\nNo link.\n")
    (project / "docs" / "other.md").unlink()
    assert documents.check_links(project).faults == ["lychee found no link to look at."]
