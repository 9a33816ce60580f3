"""Security rules of checkov over evaluated resources; it cannot follow modules of a compiled template."""

from pathlib import Path

from generator.evaluation import Project
from generator.paths import ROOT
from generator.requirements import holds
from generator.tools import common, services
from generator.tools.common import ABSENT, BROKEN, HOLDS, MissingTool, ToolResult, decision

SERVICE = Path(__file__).with_name("checkov_service.py")
ARM_TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
}


def check_security(project: Project) -> ToolResult:
    """Evaluated resources of every environment keep the rules of checkov."""
    environments = list(project.environments.values())
    if not environments:
        return ToolResult("checkov", 0, ABSENT, [])
    templates = {
        environment.name: {**ARM_TEMPLATE, "resources": [dict(resource.body) for resource in environment.resources]}
        for environment in environments
    }
    try:
        report = services.ask("checkov", _command, templates)
        summary, failed = report["summary"], report["failed"]
    except MissingTool as missing:
        return ToolResult("checkov", 0, BROKEN, [str(missing)])
    except (KeyError, TypeError):
        return ToolResult("checkov", 0, BROKEN, ["checkov looked at nothing."])
    kept = [
        f"{item['file']}: {item['resource']}: {item['rule']} ({item['id']})"
        for item in failed
        if not _skipped(item["id"], project)
    ]
    if summary["parsing_errors"] or not summary["resource_count"]:
        kept.append(f"checkov could not read everything: {summary}")
    return ToolResult("checkov", len(environments), BROKEN if kept else HOLDS, kept)


def _command() -> list[str]:
    """The service on the interpreter beside checkov, which does not search this folder for modules."""
    tool = common.need("checkov", ROOT / ".tools" / "bin", "run `make .tools/ready` in the checkout")
    return [str(Path(tool).resolve().with_name("python")), "-I", str(SERVICE)]


def _skipped(rule: str, project: Project) -> bool:
    row = decision("checkov-skips.yml").get(rule)
    return bool(row and holds(row["when"], project.answers))
