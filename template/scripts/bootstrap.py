"""The first steps of a project: once on a machine, once for each environment, and once for the pipelines.

Everything may be run again: what is there already is left as it is.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure_cli import Failure, az, exit_code

PROJECT = Path(__file__).parents[1]
SETTINGS = Path(__file__).with_name("bootstrap.json")
ROLE = PROJECT / "infra" / "modules" / "machine-learning" / "scoring-role.bicep"
"""Role that calls models and nothing else. The identity of the pipelines may not define roles."""
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
"""Azure DevOps as Entra knows it, in every tenant."""
APPROVAL = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
LOCK = {"id": "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", "name": "ExclusiveLock"}
TASK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
BRANCH_CONTROL = {"id": "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "name": "evaluatebranchProtection", "version": "0.0.1"}
"""Checks of an environment of Azure DevOps, the same in every organisation."""
APPROVAL_MINUTES = 43200
"""How long a run waits for an answer: 30 days, the most there is."""
TOOLS = {
    "git": ((2, 28), "https://git-scm.com/downloads"),
    # The first with deployment stacks.
    "az": ((2, 61), "https://learn.microsoft.com/cli/azure/install-azure-cli"),
    "pre-commit": ((3, 2), "pipx install pre-commit"),
}
"""Tool -> the oldest version that will do, and where to get it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when something is missing or refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("machine", help="check the tools, start the repository, install the hooks")
    role = commands.add_parser("role", help="define the role that calls models, in the subscription of an environment")
    role.add_argument("environment")
    github = commands.add_parser("github", help="make the environments of the repository, with their protection")
    github.add_argument(
        "--reviewer", action="append", required=True, help="who approves, a login of GitHub; repeatable"
    )
    devops = commands.add_parser("azure-devops", help="make the environments of Azure Pipelines, with their checks")
    devops.add_argument("--reviewer", action="append", required=True, help="who approves, an address; repeatable")
    connection = commands.add_parser("connection", help="make the service connection of an environment, and trust it")
    connection.add_argument("environment")
    pipelines = commands.add_parser("pipelines", help="make a pipeline of each file of .azuredevops")
    pipelines.add_argument("--repository", help="name of the repository in the project; that of the project by default")
    for parser_of in (devops, connection, pipelines):
        parser_of.add_argument("--organization", required=True, help="name of the organisation")
        parser_of.add_argument("--project", required=True, help="name of the project")
    trust = commands.add_parser("trust", help="let the identity of an environment trust a service connection")
    trust.add_argument("environment")
    trust.add_argument("--issuer", required=True)
    trust.add_argument("--subject", required=True)
    options = parser.parse_args(arguments)
    steps = {
        "machine": machine,
        "role": lambda: define_role(options.environment),
        "github": lambda: make_environments(options.reviewer),
        "azure-devops": lambda: make_checked_environments(options.organization, options.project, options.reviewer),
        "connection": lambda: make_connection(options.organization, options.project, options.environment),
        "pipelines": lambda: make_pipelines(options.organization, options.project, options.repository),
        "trust": lambda: add_trust(options.environment, options.issuer, options.subject),
    }
    return exit_code(steps[options.command])


def machine() -> None:
    """Check the tools, make the repository with its first commit, and install the hooks.

    Raises:
        Failure: A tool is missing or too old; what the others can do is done.
    """
    shortages = [text for text in map(shortage, TOOLS) if text]
    if shutil.which("git"):
        start_repository()
    if not shortages:
        print(run("pre-commit", "install"))
    if shortages:
        raise Failure("\n".join(shortages))


def shortage(tool: str) -> str:
    """What is wrong with a tool of this machine; empty when it will do."""
    oldest, where = TOOLS[tool]
    wanted = ".".join(map(str, oldest))
    if not shutil.which(tool):
        return f"{tool} is missing: install {wanted} or newer, {where}"
    found = re.search(r"(\d+)\.(\d+)", run(tool, "--version"))
    version = tuple(map(int, found.groups())) if found else ()
    print(f"{tool} {'.'.join(map(str, version))}")
    return "" if version >= oldest else f"{tool} is too old: install {wanted} or newer, {where}"


def start_repository() -> None:
    """Make the repository, unless this folder is in one, and its first commit, unless there is one."""
    if not succeeds("git", "rev-parse", "--git-dir"):
        print(run("git", "init", "--initial-branch", "main"))
    if succeeds("git", "rev-parse", "--verify", "--quiet", "HEAD"):
        return
    run("git", "add", "--all")
    print(run("git", "commit", "--message", "Start of the platform"))


def define_role(environment: str) -> None:
    """Define the role that calls models in the subscription that is signed in.

    Raises:
        Failure: This project needs no role of its own, or whoever is signed in may not define one.
    """
    if not ROLE.is_file():
        raise Failure("This project needs no role of its own.")
    settings = read()
    names = [f"workload={settings['workload']}", f"environmentName={environment}"]
    place = ["--name", f"scoring-role-{environment}", "--location", settings["location"]]
    az("deployment", "sub", "create", *place, "--template-file", str(ROLE), "--parameters", *names)
    print(f"The role that calls models is defined for {environment}.")


def make_environments(reviewers: Sequence[str]) -> None:
    """Make the environments of the repository on GitHub: who approves, from which branch, and how long they wait.

    Raises:
        Failure: The repository is elsewhere, gh is missing, or the platform is not deployed yet.
    """
    settings = read()
    if settings["platform"] != "github":
        raise Failure("The pipelines of this project run on Azure Pipelines: make its environments with azure-devops.")
    if not shutil.which("gh"):
        raise Failure("gh is missing: install it from https://cli.github.com, then sign in with gh auth login.")
    people = [{"type": "User", "id": int(run("gh", "api", f"users/{name}", "--jq", ".id"))} for name in reviewers]
    for row in settings["environments"]:
        make_environment(settings["repository"], row, people)
        for name, value in identity(settings["workload"], row["identity_of"]).items():
            place = ["--env", row["name"], "--repo", settings["repository"]]
            run("gh", "variable", "set", name, *place, "--body", value)
        print(f"{row['name']} is there.")


def make_environment(repository: str, row: dict[str, Any], people: list[dict[str, Any]]) -> None:
    """Make one environment, or give it its protection again."""
    address = f"repos/{repository}/environments/{row['name']}"
    branches = {"protected_branches": False, "custom_branch_policies": True} if row["branch"] else None
    protection = {
        "wait_timer": row["wait_minutes"],
        "reviewers": people if row["reviewed"] else [],
        "deployment_branch_policy": branches,
    }
    run("gh", "api", "--method", "PUT", address, "--input", "-", text=json.dumps(protection))
    if row["branch"]:
        policies = f"{address}/deployment-branch-policies"
        known = json.loads(run("gh", "api", policies))["branch_policies"]
        if row["branch"] not in [policy["name"] for policy in known]:
            run("gh", "api", "--method", "POST", policies, "--field", f"name={row['branch']}")


def identity(workload: str, environment: str) -> dict[str, str]:
    """Variables by which the workflows of an environment sign in; none for environments that only wait."""
    if not environment:
        return {}
    group = f"rg-{workload}-{environment}-platform"
    found = az("identity", "show", "--name", f"id-{workload}-{environment}-pipeline", "--resource-group", group)
    subscription = found["id"].split("/")[2]
    return {
        "AZURE_CLIENT_ID": found["clientId"],
        "AZURE_TENANT_ID": found["tenantId"],
        "AZURE_SUBSCRIPTION_ID": subscription,
    }


def make_checked_environments(organization: str, project: str, reviewers: Sequence[str]) -> None:
    """Make the environments of Azure Pipelines: who approves, from which branch, and one run at a time.

    Source: https://learn.microsoft.com/rest/api/azure/devops/approvalsandchecks/check-configurations/add

    Raises:
        Failure: The pipelines are elsewhere, a reviewer is unknown, or whoever is signed in may not do it.
    """
    settings = on_azure_pipelines()
    people = [person(organization, name) for name in reviewers]
    place = home(organization, project)
    listing = f"{place}/distributedtask/environments"
    known = {row["name"]: row["id"] for row in devops("get", f"{listing}?api-version=7.1")["value"]}
    for row in settings["environments"]:
        name = row["name"]
        if name not in known:
            known[name] = devops("post", f"{listing}?api-version=7.1", {"name": name})["id"]
        target = {"type": "environment", "id": str(known[name])}
        checks = f"{place}/pipelines/checks/configurations"
        query = f"resourceType=environment&resourceId={known[name]}&api-version=7.1-preview.1"
        there = {check["type"]["id"].lower() for check in devops("get", f"{checks}?{query}")["value"]}
        for check in checks_of(row, people):
            if check["type"]["id"] not in there:
                devops("post", f"{checks}?api-version=7.1-preview.1", {**check, "resource": target})
        print(f"{name} is there.")


def make_connection(organization: str, project: str, environment: str) -> None:
    """Make the service connection of an environment, which signs in without a secret, and let its identity trust it.

    Sources: https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpoints/create
    https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity

    Raises:
        Failure: The pipelines are elsewhere, the platform is not deployed yet, or whoever is signed in may not do it.
    """
    workload = on_azure_pipelines()["workload"]
    name = f"azure-{workload}-{environment}"
    organisation = f"https://dev.azure.com/{quote(organization)}/_apis"
    endpoints = "serviceendpoint/endpoints?api-version=7.1"
    known = devops("get", f"{home(organization, project)}/{endpoints}&endpointNames={name}")["value"]
    if known:
        found = known[0]
    else:
        parent = devops("get", f"{organisation}/projects/{quote(project)}?api-version=7.1")
        wanted = connection_of(name, identity(workload, environment), {"id": parent["id"], "name": parent["name"]})
        found = devops("post", f"{organisation}/{endpoints}", wanted)
    tokens = found["authorization"]["parameters"]
    add_trust(environment, tokens["workloadIdentityFederationIssuer"], tokens["workloadIdentityFederationSubject"])
    print(f"{name} is there, and trusted. Permit each pipeline to use it when its first run asks.")


def connection_of(name: str, identity_of: dict[str, str], project: dict[str, str]) -> dict[str, Any]:
    """A service connection to a subscription as a managed identity."""
    subscription = identity_of["AZURE_SUBSCRIPTION_ID"]
    return {
        "name": name,
        "type": "AzureRM",
        "url": "https://management.azure.com/",
        "authorization": {
            "scheme": "WorkloadIdentityFederation",
            "parameters": {
                "tenantid": identity_of["AZURE_TENANT_ID"],
                "serviceprincipalid": identity_of["AZURE_CLIENT_ID"],
            },
        },
        "data": {
            "subscriptionId": subscription,
            "subscriptionName": az("account", "show", "--subscription", subscription)["name"],
            "environment": "AzureCloud",
            "scopeLevel": "Subscription",
            "creationMode": "Manual",
        },
        "isShared": False,
        "serviceEndpointProjectReferences": [{"name": name, "projectReference": project}],
    }


def make_pipelines(organization: str, project: str, repository: str | None) -> None:
    """Make a pipeline of each file of .azuredevops, called like its file, in a folder called like the workload.

    Source: https://learn.microsoft.com/rest/api/azure/devops/pipelines/pipelines/create

    Raises:
        Failure: The pipelines are elsewhere, there is no such repository, or whoever is signed in may not do it.
    """
    folder = f"\\{on_azure_pipelines()['workload']}"
    place = home(organization, project)
    found = devops("get", f"{place}/git/repositories/{quote(repository or project)}?api-version=7.1")
    there = devops("get", f"{place}/pipelines?api-version=7.1")["value"]
    known = {row["name"] for row in there if row["folder"] == folder}
    for path in sorted((PROJECT / ".azuredevops").glob("*.yml")):
        if path.stem not in known:
            source = {"id": found["id"], "name": found["name"], "type": "azureReposGit"}
            settings = {"type": "yaml", "path": f"/.azuredevops/{path.name}", "repository": source}
            wanted = {"name": path.stem, "folder": folder, "configuration": settings}
            devops("post", f"{place}/pipelines?api-version=7.1", wanted)
        print(f"{path.stem} is there.")


def on_azure_pipelines() -> dict[str, Any]:
    """The settings of a project whose pipelines run on Azure Pipelines.

    Raises:
        Failure: They run elsewhere.
    """
    settings = read()
    if settings["platform"] != "azure_devops":
        raise Failure("The pipelines of this project run on GitHub Actions: make its environments with github.")
    return settings


def home(organization: str, project: str) -> str:
    """Address under which Azure DevOps speaks about a project."""
    return f"https://dev.azure.com/{quote(organization)}/{quote(project)}/_apis"


def checks_of(row: dict[str, Any], people: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Checks of one environment."""
    if row["reviewed"]:
        approval = {
            "approvers": people,
            "executionOrder": "anyOrder",
            "minRequiredApprovers": 1,
            "blockedApprovers": [],
        }
        yield {"type": APPROVAL, "settings": approval, "timeout": APPROVAL_MINUTES}
    if row["branch"]:
        inputs = {"allowedBranches": f"refs/heads/{row['branch']}", "ensureProtectionOfBranch": "false"}
        control = {"displayName": "Branch control", "definitionRef": BRANCH_CONTROL, "inputs": inputs}
        yield {"type": TASK, "settings": control, "timeout": APPROVAL_MINUTES}
    if row["locked"]:
        yield {"type": LOCK, "settings": {}, "timeout": APPROVAL_MINUTES}


def person(organization: str, name: str) -> dict[str, str]:
    """Who approves, by the id that Azure DevOps gave them.

    Raises:
        Failure: Nobody or several people are called that.
    """
    query = f"searchFilter=General&filterValue={quote(name)}&api-version=7.1"
    found = devops("get", f"https://vssps.dev.azure.com/{quote(organization)}/_apis/identities?{query}")["value"]
    if len(found) != 1:
        raise Failure(f"{len(found)} people of {organization} are called {name}: give the whole address.")
    return {"id": str(found[0]["id"])}


def devops(method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    """Ask Azure DevOps as whoever is signed in to the Azure CLI.

    Raises:
        Failure: It refuses.
    """
    asked = ["rest", "--method", method, "--uri", address, "--resource", AZURE_DEVOPS]
    if body is None:
        return az(*asked)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(body, file)
        file.flush()
        return az(*asked, "--headers", "Content-Type=application/json", "--body", f"@{file.name}")


def add_trust(environment: str, issuer: str, subject: str) -> None:
    """Let the identity of an environment trust the tokens of a service connection of Azure DevOps."""
    workload = read()["workload"]
    names = ["--identity-name", f"id-{workload}-{environment}-pipeline"]
    place = ["--resource-group", f"rg-{workload}-{environment}-platform", "--audiences", "api://AzureADTokenExchange"]
    trusted = ["--name", "azure-devops", "--issuer", issuer, "--subject", subject]
    az("identity", "federated-credential", "create", *names, *place, *trusted)


def read() -> dict[str, Any]:
    """What this project is called, where it lives, and which environments its repository needs."""
    found: dict[str, Any] = json.loads(SETTINGS.read_text(encoding="utf-8"))
    return found


def succeeds(*command: str) -> bool:
    """Whether a command ends well; what it says does not matter."""
    return subprocess.run(command, cwd=PROJECT, check=False, capture_output=True).returncode == 0


def run(*command: str, text: str | None = None) -> str:
    """What a command says.

    Raises:
        Failure: It did not end well.
    """
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True, input=text)
    if done.returncode:
        raise Failure(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
