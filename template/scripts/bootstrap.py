"""The first steps of a project: once on a machine, once for each environment, and once for the pipelines.

Everything may be run again: what is there already is left as it is.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, exit_code

PROJECT = Path(__file__).parents[1]
SETTINGS = Path(__file__).with_name("bootstrap.json")
ROLE = PROJECT / "infra" / "modules" / "machine-learning" / "scoring-role.bicep"
"""Role that calls models and nothing else. The identity of the pipelines may not define roles."""
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
    trust = commands.add_parser("trust", help="let the identity of an environment trust a service connection")
    trust.add_argument("environment")
    trust.add_argument("--issuer", required=True)
    trust.add_argument("--subject", required=True)
    options = parser.parse_args(arguments)
    steps = {
        "machine": machine,
        "role": lambda: define_role(options.environment),
        "github": lambda: make_environments(options.reviewer),
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
    if not settings["environments"]:
        raise Failure(
            "The pipelines of this project run on Azure Pipelines: docs/decisions/delivery.md tells the steps."
        )
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
