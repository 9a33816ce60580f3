"""The first steps of a project, with real git, and without Azure or GitHub."""

import json
import subprocess

import bootstrap
import pytest

ROWS = [
    {"name": "prod", "identity_of": "prod", "reviewed": True, "branch": "", "wait_minutes": 0},
    {"name": "prod-rollout", "identity_of": "prod", "reviewed": False, "branch": "main", "wait_minutes": 0},
    {"name": "bake-60-minutes", "identity_of": "", "reviewed": False, "branch": "", "wait_minutes": 60},
]
IDENTITY = {"id": "/subscriptions/s-1/x", "clientId": "c-1", "tenantId": "t-1"}


@pytest.fixture
def project(tmp_path, monkeypatch, azure):
    """A project of its own, in which az is asked and the other commands are real."""
    settings = {"workload": "demo", "location": "westeurope", "repository": "me/demo", "platform": "github"}
    settings["environments"] = ROWS
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path)
    monkeypatch.setattr(bootstrap, "SETTINGS", path)
    monkeypatch.setattr(bootstrap, "ROLE", tmp_path / "scoring-role.bicep")
    monkeypatch.setattr(bootstrap, "az", azure)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Me")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "me@example.com")
    azure.answers["identity show"] = IDENTITY
    return tmp_path


@pytest.fixture
def commands(monkeypatch):
    """Every command that would run, with what it reads; gh answers what the steps need."""
    asked = []

    def answer(*command, text=None):
        asked.append((" ".join(command), text))
        if command[:3] == ("gh", "api", "users/ann"):
            return "7"
        return '{"branch_policies": []}' if command[-1].endswith("deployment-branch-policies") else "version 9.9"

    monkeypatch.setattr(bootstrap, "run", answer)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/bin/{name}")
    return asked


def test_repository_is_started_once(project):
    bootstrap.start_repository()
    bootstrap.start_repository()
    log = subprocess.run(["git", "log", "--format=%s"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert log.splitlines() == ["Start of the platform"]
    branch = subprocess.run(
        ["git", "branch", "--show-current"], cwd=project, capture_output=True, text=True, check=True
    )
    assert branch.stdout.strip() == "main"


def test_machine_with_every_tool_gets_the_hooks(project, commands, monkeypatch):
    monkeypatch.setattr(bootstrap, "succeeds", lambda *command: False)
    assert bootstrap.main(["machine"]) == 0
    ran = [command for command, _ in commands]
    assert ran[-4:] == [
        "git init --initial-branch main",
        "git add --all",
        "git commit --message Start of the platform",
        "pre-commit install",
    ]


def test_missing_tool_is_named_and_the_rest_is_done(project, commands, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "succeeds", lambda *command: False)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None if name == "az" else name)
    assert bootstrap.main(["machine"]) == 1
    assert "az is missing: install 2.61 or newer" in capsys.readouterr().err
    assert ("git add --all", None) in commands and ("pre-commit install", None) not in commands


def test_old_tool_is_named(project, commands, monkeypatch):
    monkeypatch.setitem(bootstrap.TOOLS, "az", ((10, 0), "https://example.com"))
    assert bootstrap.shortage("az") == "az is too old: install 10.0 or newer, https://example.com"
    assert bootstrap.shortage("git") == ""


def test_role_is_defined_from_its_template(project, azure):
    (project / "scoring-role.bicep").touch()
    assert bootstrap.main(["role", "prod"]) == 0
    (command,) = azure.said("deployment sub create")
    assert "--location westeurope" in command and "scoring-role.bicep" in command
    assert command.endswith("--parameters workload=demo environmentName=prod")


def test_no_role_where_none_is_needed(project, azure, capsys):
    assert bootstrap.main(["role", "prod"]) == 1
    assert "needs no role" in capsys.readouterr().err and not azure.asked


def test_environments_get_their_protection_and_no_secret(project, commands):
    assert bootstrap.main(["github", "--reviewer", "ann"]) == 0
    made = {command.rpartition("/")[2].split(" ")[0]: json.loads(text) for command, text in commands if text}
    assert made["prod"]["reviewers"] == [{"type": "User", "id": 7}] and made["prod"]["wait_timer"] == 0
    assert made["prod-rollout"]["reviewers"] == []
    assert made["prod-rollout"]["deployment_branch_policy"]["custom_branch_policies"] is True
    assert made["bake-60-minutes"]["wait_timer"] == 60
    ran = [command for command, _ in commands]
    assert "gh variable set AZURE_CLIENT_ID --env prod-rollout --repo me/demo --body c-1" in ran
    assert "gh variable set AZURE_SUBSCRIPTION_ID --env prod --repo me/demo --body s-1" in ran
    assert any(command.endswith("deployment-branch-policies --field name=main") for command in ran)
    assert not any("secret" in command or "bake" in command and "variable" in command for command in ran)


def test_github_is_asked_only_where_the_repository_is(project, commands, capsys):
    (project / "bootstrap.json").write_text('{"platform": "azure_devops"}', encoding="utf-8")
    assert bootstrap.main(["github", "--reviewer", "ann"]) == 1
    assert "Azure Pipelines" in capsys.readouterr().err and not commands


CHECKED = [
    {"name": "prod", "reviewed": True, "branch": "", "locked": True},
    {"name": "prod-rollout", "reviewed": False, "branch": "main", "locked": False},
]
DEVOPS = ["azure-devops", "--organization", "contoso", "--project", "weld vision", "--reviewer", "ann@example.com"]


@pytest.fixture
def pipelines(project, azure):
    """An organisation that has the environment prod already, without any check."""
    settings = {"platform": "azure_devops", "workload": "demo", "environments": CHECKED}
    (project / "bootstrap.json").write_text(json.dumps(settings), encoding="utf-8")
    place = "rest --method get --uri https://dev.azure.com/contoso/weld%20vision/_apis"
    azure.answers = {
        "rest --method get --uri https://vssps.dev.azure.com/contoso/_apis/identities": {"value": [{"id": "u-1"}]},
        f"{place}/distributedtask/environments": {"value": [{"name": "prod", "id": 4}]},
        f"{place}/pipelines/checks/configurations": {"value": []},
        "rest --method post": {"id": 9},
    }
    return azure


def test_environments_of_azure_pipelines_get_their_checks(pipelines):
    assert bootstrap.main(DEVOPS) == 0
    assert all("--resource 499b84ac-1321-427f-aa17-267ca6975798" in command for command in pipelines.said("rest"))
    approval, lock, made, control = pipelines.bodies
    assert approval["settings"]["approvers"] == [{"id": "u-1"}] and approval["settings"]["minRequiredApprovers"] == 1
    assert approval["resource"] == lock["resource"] == {"type": "environment", "id": "4"}
    assert (lock["type"]["name"], made) == ("ExclusiveLock", {"name": "prod-rollout"})
    assert control["settings"]["inputs"]["allowedBranches"] == "refs/heads/main"
    assert control["resource"]["id"] == "9"


def test_checks_that_are_there_are_left_alone(pipelines):
    (listing,) = [words for words in pipelines.answers if words.endswith("checks/configurations")]
    kinds = [bootstrap.APPROVAL, bootstrap.LOCK, bootstrap.TASK]
    pipelines.answers[listing] = {"value": [{"type": {"id": kind["id"].upper()}} for kind in kinds]}
    assert bootstrap.main(DEVOPS) == 0
    assert pipelines.bodies == [{"name": "prod-rollout"}]


@pytest.mark.parametrize("found", [[], [{"id": "u-1"}, {"id": "u-2"}]])
def test_nobody_approves_by_mistake(pipelines, capsys, found):
    (listing,) = [words for words in pipelines.answers if words.endswith("identities")]
    pipelines.answers[listing] = {"value": found}
    assert bootstrap.main(DEVOPS) == 1
    assert "are called ann@example.com" in capsys.readouterr().err and not pipelines.bodies


def test_azure_pipelines_are_asked_only_where_they_are(project, azure, capsys):
    assert bootstrap.main(DEVOPS) == 1
    assert "GitHub Actions" in capsys.readouterr().err and not azure.asked


@pytest.fixture
def connected(pipelines):
    """The same organisation, asked for connections and pipelines; a connection that is made shows what to trust."""
    place = "rest --method get --uri https://dev.azure.com/contoso"
    shown = {
        "parameters": {"workloadIdentityFederationIssuer": "https://i", "workloadIdentityFederationSubject": "s-1"}
    }
    pipelines.answers = {
        f"{place}/weld%20vision/_apis/serviceendpoint/endpoints": {"value": []},
        f"{place}/_apis/projects/weld%20vision": {"id": "p-1", "name": "weld vision"},
        f"{place}/weld%20vision/_apis/git/repositories/welds": {"id": "r-1", "name": "welds"},
        f"{place}/weld%20vision/_apis/pipelines": {"value": [{"name": "deploy", "folder": "\\demo"}]},
        "rest --method post": {"id": "e-1", "authorization": shown},
        "identity show": {"id": "/subscriptions/s-1/x", "clientId": "c-1", "tenantId": "t-1"},
        "account show": {"name": "Production"},
    }
    return pipelines


PLACE = ["--organization", "contoso", "--project", "weld vision"]


def test_a_service_connection_signs_in_without_a_secret_and_is_trusted(connected):
    assert bootstrap.main(["connection", "prod", *PLACE]) == 0
    (made,) = connected.bodies
    assert made["name"] == "azure-demo-prod" and made["authorization"] == {
        "scheme": "WorkloadIdentityFederation",
        "parameters": {"tenantid": "t-1", "serviceprincipalid": "c-1"},
    }
    assert made["data"]["subscriptionId"] == "s-1" and made["data"]["creationMode"] == "Manual"
    assert made["serviceEndpointProjectReferences"][0]["projectReference"] == {"id": "p-1", "name": "weld vision"}
    (trusted,) = connected.said("identity federated-credential create")
    assert "--issuer https://i --subject s-1" in trusted and "id-demo-prod-pipeline" in trusted


def test_a_service_connection_that_is_there_is_only_trusted(connected):
    (listing,) = [words for words in connected.answers if words.endswith("endpoints")]
    connected.answers[listing] = {"value": [connected.answers["rest --method post"]]}
    assert bootstrap.main(["connection", "prod", *PLACE]) == 0
    assert connected.bodies == [] and len(connected.said("identity federated-credential create")) == 1


def test_each_file_is_a_pipeline(project, connected):
    (project / ".azuredevops" / "templates").mkdir(parents=True)
    for name in ("deploy", "update", "templates/plan"):
        (project / f".azuredevops/{name}.yml").write_text("trigger: none\n", encoding="utf-8")
    assert bootstrap.main(["pipelines", *PLACE, "--repository", "welds"]) == 0
    (made,) = connected.bodies
    assert (made["name"], made["folder"]) == ("update", "\\demo")
    assert made["configuration"]["path"] == "/.azuredevops/update.yml"
    assert made["configuration"]["repository"] == {"id": "r-1", "name": "welds", "type": "azureReposGit"}


def test_service_connection_is_trusted(project, azure):
    assert bootstrap.main(["trust", "prod", "--issuer", "https://i", "--subject", "sc://me"]) == 0
    (command,) = azure.said("identity federated-credential create")
    assert "--identity-name id-demo-prod-pipeline --resource-group rg-demo-prod-platform" in command
    assert "--issuer https://i --subject sc://me" in command
