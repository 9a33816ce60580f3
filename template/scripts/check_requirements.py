"""Keeps what a change must not lose: approvals, gates, the way back, alerts with their runbooks, logs, budgets.

Reads what Bicep evaluates for each environment, offline, and the files of the pipelines. It says what is missing and
how to bring it back; whoever means to lose something changes this file in the same request, where reviewers see it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]
NOWHERE = "00000000-0000-0000-0000-000000000000"
ALERTS = (
    "microsoft.insights/metricalerts",
    "microsoft.insights/scheduledqueryrules",
    "microsoft.insights/activitylogalerts",
)
LOGGED = (
    "microsoft.apimanagement/service",
    "microsoft.app/managedenvironments",
    "microsoft.cache/redisenterprise/databases",
    "microsoft.cognitiveservices/accounts",
    "microsoft.containerregistry/registries",
    "microsoft.containerservice/managedclusters",
    "microsoft.databricks/workspaces",
    "microsoft.keyvault/vaults",
    "microsoft.machinelearningservices/registries",
    "microsoft.machinelearningservices/workspaces",
    "microsoft.machinelearningservices/workspaces/onlineendpoints",
    "microsoft.network/applicationgateways",
    "microsoft.network/azurefirewalls",
    "microsoft.network/networksecuritygroups",
    "microsoft.network/publicipaddresses",
    "microsoft.network/virtualnetworks",
    "microsoft.operationalinsights/workspaces",
    "microsoft.storage/storageaccounts/blobservices",
    "microsoft.storage/storageaccounts/fileservices",
)
"""Types that send logs by a diagnostic setting."""
SECTIONS = ("## Detect", "## Decide", "## Act", "## Verify")
SECRET = re.compile(r"\bsecrets\.|--password\b|client-secret|\bcreds:|secretVariables", re.IGNORECASE)
RELAXED = re.compile(r"continue-on-error: true|continueOnError: true|succeededOrFailed\(\)")
CHANGES = ("deploy.py apply", "rollout-step.yml", "release-step.yml", "flags.py set")
"""What a job that changes an environment calls."""

Resource = Mapping[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=PROJECT)
    project = parser.parse_args(arguments).project
    environments = evaluate(project)
    faults = [*resource_faults(project, environments), *index_faults(project), *pipeline_faults(project)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"Nothing is missing in {', '.join(environments)} and in the pipelines.")
    return 1 if faults else 0


def evaluate(project: Path) -> dict[str, list[Resource]]:
    """Environment -> its resources, as Bicep predicts them without Azure.

    Bicep writes a snapshot beside the parameters, so a copy is evaluated.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        copy.mkdir()
        for name in ("infra", "gateway", "monitoring", "ml"):
            if (project / name).is_dir():
                shutil.copytree(project / name, copy / name, ignore=shutil.ignore_patterns(".local", ".venv"))
        for path in sorted((copy / "infra").glob("*.bicepparam")):
            place = ["--subscription-id", NOWHERE, "--tenant-id", NOWHERE, "--location", location(path)]
            subprocess.run([bicep(), "snapshot", str(path), "--mode", "overwrite", *place], check=True)
            snapshot = json.loads(path.with_suffix(".snapshot.json").read_text(encoding="utf-8"))
            found[path.stem] = snapshot["predictedResources"]
    return found


def bicep() -> str:
    """The compiler that build.sh installed, or the one that the shell names."""
    return os.environ.get("BICEP") or str(Path.home() / ".azure" / "bin" / "bicep")


def location(path: Path) -> str:
    """Region of a parameter file."""
    found = re.search(r"^param location = '([^']+)'", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "westeurope"


def resource_faults(project: Path, environments: Mapping[str, list[Resource]]) -> Iterator[str]:
    """What the resources of each environment lack."""
    for name, resources in environments.items():
        for fault in (*alert_faults(project, resources), *log_faults(resources), *budget_faults(resources)):
            yield f"{name}: {fault}"


def of_type(resources: list[Resource], *kinds: str) -> list[Resource]:
    """Resources of some types, written in lower case."""
    return [item for item in resources if str(item["type"]).lower() in kinds]


def alert_faults(project: Path, resources: list[Resource]) -> Iterator[str]:
    """Alerts tell an action group that reaches somebody, and name a runbook that says what to do."""
    groups = of_type(resources, "microsoft.insights/actiongroups")
    reaching = [item for item in groups if any(rows for key, rows in item["properties"].items() if "eceivers" in key)]
    if not reaching:
        yield "no action group reaches anybody: add one with a receiver to infra/modules/monitoring/action-group.bicep"
    known = [str(item["id"]).lower() for item in groups]
    alerts = of_type(resources, *ALERTS)
    if not alerts:
        yield "nothing is watched: add rules to monitoring/alert-rules.json"
    for alert in alerts:
        text = json.dumps(alert["properties"]).lower()
        if not any(group in text for group in known) and "/actiongroups/" not in text:
            yield f"alert {alert['name']} tells nobody: give it the action group"
        if alert["properties"].get("enabled") is False:
            yield f"alert {alert['name']} is switched off: enable it"
        runbooks = set(re.findall(r"docs/runbooks/[\w-]+\.md", text))
        if not runbooks:
            yield f"alert {alert['name']} names no runbook: write one in docs/runbooks and name it"
        for runbook in sorted(runbooks):
            yield from runbook_faults(project / runbook, f"alert {alert['name']}")


def index_faults(project: Path) -> Iterator[str]:
    """Every runbook of the index is there: no alert names the one for the loss of a region."""
    folder = project / "docs" / "runbooks"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([\w-]+\.md)\)", index):
        yield from runbook_faults(folder / name, "docs/runbooks/README.md")


def runbook_faults(path: Path, named_by: str) -> Iterator[str]:
    """A runbook is there and leads from the symptom to the proof that it is gone."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    missing = [section.removeprefix("## ") for section in SECTIONS if section not in text]
    if not text:
        yield f"{named_by}: its runbook docs/runbooks/{path.name} is missing, write it"
    elif missing:
        yield f"docs/runbooks/{path.name} lacks {', '.join(missing)}: write what to do there"


def log_faults(resources: list[Resource]) -> Iterator[str]:
    """Every resource that can send logs sends them."""
    settings = of_type(resources, "microsoft.insights/diagnosticsettings")
    sending = {
        str(item["id"]).lower().rsplit("/providers/", 1)[0]
        for item in settings
        if any(row.get("enabled") for row in item["properties"].get("logs") or [])
    }
    for item in of_type(resources, *LOGGED):
        if str(item["id"]).lower() not in sending:
            yield f"{item['type']} {item['name']} sends no logs: add a diagnostic setting"


def budget_faults(resources: list[Resource]) -> Iterator[str]:
    """Somebody hears of the money before it is spent."""
    told = [
        row.get("thresholdType")
        for item in of_type(resources, "microsoft.consumption/budgets")
        for row in item["properties"].get("notifications", {}).values()
        if row.get("enabled") and (row.get("contactEmails") or row.get("contactGroups"))
    ]
    for kind in ("Actual", "Forecasted"):
        if kind not in told:
            yield f"no budget tells of {kind.lower()} costs: restore infra/modules/monitoring/budget.bicep"


def pipeline_faults(project: Path) -> Iterator[str]:
    """What the pipelines lack, on either system."""
    folder = next(project / name for name in (".github/workflows", ".azuredevops") if (project / name).is_dir())
    for path in sorted(folder.rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(project).as_posix()
        for pattern, what in ((SECRET, "reads a secret"), (RELAXED, "goes on after a failure")):
            if pattern.search(text):
                yield f"{name} {what}: take that out"
        for fault in job_faults(yaml.safe_load(text) or {}):
            yield f"{name}: {fault}"
    yield from protection_faults(project, folder)


def job_faults(data: Mapping[Any, Any]) -> Iterator[str]:
    """Jobs that change something run in an environment, and each shift of traffic but the first follows a check."""
    for name, job in jobs_of(data):
        text = json.dumps(job)
        changes = any(word in text for word in CHANGES)
        if changes and not ("environment" in job or "environment" in (job.get("with") or job.get("parameters") or {})):
            yield f"{name} changes an environment outside its protection: name the environment"
    steps = {name: (job.get("with") or job.get("parameters") or {}) for name, job in jobs_of(data)}
    shifts = [name for name, given in steps.items() if str(given.get("step", "")).startswith("shift ")]
    mirrored = any(str(given.get("step", "")).startswith("mirror ") for given in steps.values())
    for name in shifts if mirrored else shifts[1:]:
        if not str(steps[name].get("check", "")).startswith("check "):
            yield f"{name} moves traffic without a gate: check the deployment first"
    if not shifts:
        return
    proofs = [given for given in steps.values() if str(given.get("step", "")).split(" ")[0] in ("prove", "finish")]
    if not any(str(given.get("check", "")).startswith("check ") for given in proofs):
        yield "the last step is not checked: look at the gate before the new version counts as good"
    backs = [name for name, given in steps.items() if str(given.get("step", "")).startswith("rollback ")]
    needed = {
        name.lower() for name, given in steps.items() if str(given.get("step", "")).startswith(("shift ", "create "))
    }
    for name in backs:
        needed -= {item.lower() for item in needs_of(data, name)}
    if not backs or needed:
        yield f"nothing takes back {', '.join(sorted(needed)) or 'a failed step'}: let a rollback depend on every step"


def jobs_of(data: Mapping[Any, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Jobs of a workflow, or stages and jobs of a pipeline, by name."""
    jobs = data.get("jobs") or {}
    if isinstance(jobs, dict):
        yield from jobs.items()
    for stage in data.get("stages") or []:
        if "template" in stage:
            yield str((stage.get("parameters") or {}).get("name") or stage["template"]), stage
        for job in stage.get("jobs") or []:
            yield str(job.get("job") or job.get("deployment") or stage.get("stage")), job


def needs_of(data: Mapping[Any, Any], name: str) -> list[str]:
    """What a job or stage waits for."""
    job = dict(jobs_of(data))[name]
    needs = job.get("needs") or (job.get("parameters") or {}).get("dependsOn") or []
    return [needs] if isinstance(needs, str) else list(needs)


def protection_faults(project: Path, folder: Path) -> Iterator[str]:
    """Environments follow each other, each compared before it is changed; a person approves the last one."""
    names = sorted(path.stem for path in (project / "infra").glob("*.bicepparam"))
    order = [name for name in ("dev", "test", "prod") if name in names]
    text = (folder / "deploy.yml").read_text(encoding="utf-8")
    found = [re.search(rf"environment: {name}$", text, re.MULTILINE) for name in order]
    places = [match.start() if match else -1 for match in found]
    if -1 in places or places != sorted(places):
        yield f"deploy.yml does not deploy {', then '.join(order)}: restore the order"
    for path in (*folder.rglob("deploy.yml"), *folder.rglob("_deploy.yml")):
        shared = path.read_text(encoding="utf-8")
        if "deploy.py apply" in shared and "plan.yml" not in shared:
            yield f"{path.name} changes what was not compared: plan first"
    for name in ("smoke", "contract", "evaluation", "load"):
        run = f"{name}/{name}_test.py" in text or "from_inside.py recorded" in text
        if (project / "tests" / name).is_dir() and not run:
            yield f"deploy.yml does not run tests/{name}: let {order[-1]} wait for it"
    stacks = json.loads((project / "scripts" / "stack.json").read_text(encoding="utf-8"))
    settings = json.loads((project / "scripts" / "bootstrap.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in settings["environments"]}
    if rows and not rows[order[-1]]["reviewed"]:
        yield f"nobody approves {order[-1]}: set reviewed in scripts/bootstrap.json"
    for name, row in rows.items():
        if name.endswith("-promotion") and not row["reviewed"]:
            yield f"nobody approves {name}: set reviewed in scripts/bootstrap.json"
    if "prod" in stacks and stacks["prod"]["deny_settings_mode"] == "none":
        yield "prod can be deleted by accident: set deny_settings_mode in scripts/stack.json"


if __name__ == "__main__":
    sys.exit(main())
