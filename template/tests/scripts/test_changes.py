"""What a change of the files does to the platform, told from two lists of evaluated resources."""

import changes
import pytest

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
VAULT = {
    "id": f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv",
    "type": "Microsoft.KeyVault/vaults",
    "name": "kv",
    "tags": {"owner": "a"},
    "properties": {"publicNetworkAccess": "Disabled", "retentionInDays": 90},
}
GRANT = {
    "id": f"{VAULT['id']}/providers/Microsoft.Authorization/roleAssignments/1",
    "type": "Microsoft.Authorization/roleAssignments",
    "name": "1",
    "properties": {"principalId": "p", "roleDefinitionId": "/roleDefinitions/r"},
}


def other(body, **properties):
    return {**body, "properties": {**body["properties"], **properties}}


def test_nothing_changes():
    assert "Nothing changes." in changes.report({"dev": [VAULT, GRANT]}, {"dev": [VAULT, {**GRANT, "name": "2"}]})


def test_each_property_is_told():
    text = changes.report({"dev": [VAULT]}, {"dev": [other(VAULT, retentionInDays=30)]})
    assert "0 appear, 0 go, 1 change." in text
    assert "  - `properties.retentionInDays`: `90` to `30`" in text
    assert ":warning:" not in text


def test_a_deletion_is_dangerous_and_a_right_that_goes_is_not():
    text = changes.report({"dev": [VAULT, GRANT]}, {"dev": []})
    assert text.count(":warning:") == 1
    assert "**deleted**: `Microsoft.KeyVault/vaults` `kv`" in text


@pytest.mark.parametrize(
    ("new", "what"),
    [
        ({**VAULT, "location": "francecentral"}, "made anew"),
        (other(VAULT, publicNetworkAccess="Enabled"), "public access opened"),
        (other(VAULT, disableLocalAuth=False), "key access switched on"),
    ],
)
def test_dangers_come_first(new, what):
    text = changes.report({"prod": [other(VAULT, disableLocalAuth=True)]}, {"prod": [other(new)]})
    assert text.index(f":warning: **{what}**") < text.index("<summary>Change</summary>")


def test_an_environment_that_appears():
    text = changes.report({}, {"dev": [other(VAULT, publicNetworkAccess="Enabled")]})
    assert "1 appear, 0 go, 0 change." in text
    assert "**open to the public from the start**" in text


def test_a_tag_that_changes_everywhere_is_told_once():
    many = [{**VAULT, "id": f"{VAULT['id']}{number}"} for number in range(3)]
    text = changes.report({"dev": many}, {"dev": [{**body, "tags": {"owner": "b"}} for body in many]})
    assert text.count("tags.owner") == 1
    assert '- 3 resources: `tags.owner`: `"a"` to `"b"`' in text


def test_a_long_answer_is_cut_where_a_comment_ends(monkeypatch):
    monkeypatch.setattr(changes, "LONGEST", 200)
    many = [{**VAULT, "id": f"{VAULT['id']}{number}"} for number in range(30)]
    assert "There is more" in changes.report({"dev": []}, {"dev": many})


def test_both_sides_are_evaluated(tmp_path, monkeypatch):
    """A stand-in for the compiler writes what the parameter file says."""
    compiler = tmp_path / "bicep"
    compiler.write_text(
        "#!/usr/bin/env python3\n"
        "import json, pathlib, re, sys\n"
        "path = pathlib.Path(sys.argv[2])\n"
        "names = re.findall(r'vault (\\w+)', path.read_text())\n"
        "rows = [{'id': n, 'type': 'Microsoft.KeyVault/vaults', 'name': n} for n in names]\n"
        "path.with_suffix('.snapshot.json').write_text(json.dumps({'predictedResources': rows}))\n"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("BICEP", str(compiler))
    project = tmp_path / "project"
    (project / "infra").mkdir(parents=True)
    parameters = project / "infra" / "dev.bicepparam"
    parameters.write_text("param location = 'swedencentral'\n// vault old\n")
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "--all"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "start"],
    ):
        changes.run(command, project)
    parameters.write_text("param location = 'swedencentral'\n// vault new\n")
    text = changes.report(*changes.sides(project, "HEAD"))
    assert "**deleted**: `Microsoft.KeyVault/vaults` `old`" in text
    assert "- `Microsoft.KeyVault/vaults` `new`" in text
    assert not list((project / "infra").glob("*.snapshot.json"))


def test_a_compiler_that_refuses_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("BICEP", "false")
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.bicepparam").write_text("")
    with pytest.raises(changes.Failure, match="failed"):
        changes.evaluated(tmp_path, changes.find_compiler())
