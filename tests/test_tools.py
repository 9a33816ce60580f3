"""Each tool goes red on a fault of its kind, looks at every file, and counts as broken when it is missing."""

import shutil

import pytest

from generator import tools
from generator.evaluation import Environment, Project, Resource

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
    assert {name: (result.verdict, result.files) for name, result in results.items()} == {
        "json": (tools.HOLDS, 1),
        "yamllint": (tools.HOLDS, 1),
        "markdownlint": (tools.HOLDS, 2),
        "lychee": (tools.HOLDS, 2),
        "checkov": (tools.ABSENT, 0),
    }


FAULTS = [
    (tools.check_json, "a.json", '{"a": 1,}\n', "a.json"),
    (tools.check_yaml, "b.yml", "a: 1\na: 2\n", "duplication of key"),
    (tools.check_yaml, "b.yml", "a: [1\n", "b.yml"),
    (tools.check_markdown, "docs/other.md", "# Other\n\n## Part\nText.\n", "MD022"),
    (tools.check_links, "README.md", "# Title\n\nSee [it](docs/nowhere.md).\n", "nowhere.md leads nowhere"),
    (tools.check_links, "README.md", "# Title\n\nSee [it](docs/other.md#nothing).\n", "leads nowhere"),
]


@pytest.mark.parametrize(("tool", "name", "text", "says"), FAULTS)
def test_each_tool_finds_its_fault(project, tool, name, text, says):
    (project / name).write_text(text)
    result = tool(project)
    assert result.verdict == tools.BROKEN
    assert any(says in fault for fault in result.faults), result.faults


def test_nothing_to_look_at_does_not_apply(tmp_path):
    for result in run(tmp_path):
        assert (result.verdict, result.files) == (tools.ABSENT, 0)


def test_generated_folders_are_not_looked_at(project):
    (project / ".venv").mkdir()
    (project / ".venv" / "bad.json").write_text("{")
    assert tools.check_json(project).verdict == tools.HOLDS


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
    assert tools.check_security(evaluated(tmp_path)).verdict == tools.HOLDS
    result = tools.check_security(evaluated(tmp_path, publicNetworkAccess="Enabled", supportsHttpsTrafficOnly=False))
    assert result.verdict == tools.BROKEN and result.files == 1
    assert any("dev: " in fault and "stone" in fault for fault in result.faults)


def test_checkov_is_missed(tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "_program", lambda name, folder: None)
    result = tools.check_security(evaluated(tmp_path))
    assert result.verdict == tools.BROKEN and "is not installed" in result.faults[0]
    monkeypatch.setattr(tools, "_program", lambda name, folder: shutil.which("true"))
    assert "looked at nothing" in tools.check_security(evaluated(tmp_path)).faults[0]


@pytest.mark.parametrize("tool", [tools.check_markdown, tools.check_links])
def test_a_missing_tool_is_broken(project, monkeypatch, tool):
    monkeypatch.setattr(tools, "_program", lambda name, folder: None)
    result = tool(project)
    assert result.verdict == tools.BROKEN and "is not installed" in result.faults[0]


def test_a_tool_that_looked_elsewhere_is_broken(project, monkeypatch):
    real = tools._program
    monkeypatch.setattr(tools, "_program", lambda name, folder: shutil.which("true"))
    result = tools.check_markdown(project)
    assert result.verdict == tools.BROKEN and "looked at other files" in result.faults[0]
    monkeypatch.setattr(tools, "_program", real)
    (project / "README.md").write_text("# Title\n\nNo link.\n")
    (project / "docs" / "other.md").unlink()
    assert tools.check_links(project).faults == ["lychee found no link to look at."]
