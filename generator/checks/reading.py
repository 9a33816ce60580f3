"""How checks read evaluated resources, the compiled template and the decision tables, and how they word a finding."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.checks import Finding
from generator.evaluation import Environment, Project, Resource
from generator.paths import DECISIONS

IDENTITY_NAME = re.compile(r"userAssignedIdentities(?:/|'\s*,\s*')([\w-]+)", re.IGNORECASE)
SUBSCRIPTION_ID = re.compile(r"^/subscriptions/[^/]+$", re.IGNORECASE)
ENDPOINT = "Microsoft.Network/privateEndpoints"
RESOURCE_GROUP_ID = re.compile(r"^/subscriptions/[^/]+/resourceGroups/[^/]+$", re.IGNORECASE)


def located(project: Project, *types: str) -> Iterator[tuple[Environment, Resource]]:
    """Every resource of the given types, with its environment; every resource when no type is given."""
    for environment in project.environments.values():
        for resource in environment.of_type(*types) if types else environment.resources:
            yield environment, resource


def label(environment: Environment, resource: Resource) -> str:
    """Evidence of a finding: the environment and the resource."""
    return f"{environment.name}: {resource}"


def verdict(evidence: str, faults: Iterable[str], subject: str = "") -> Finding:
    """A finding that holds when there is no fault; its detail names the subject and every fault."""
    text = "; ".join(faults)
    return Finding(not text, evidence, f"{subject or evidence}: {text}." if text else "")


def compare(
    environment: Environment, resource: Resource, wanted: Mapping[str, Any], others: Iterable[str] = ()
) -> Finding:
    """One finding for one resource: each property has its wanted value.

    Args:
        environment: Where the resource is.
        resource: What is looked at.
        wanted: Dotted path from the top of the resource -> value, or a tuple of allowed values.
        others: Faults that were found already.
    """
    faults = []
    for path, value in wanted.items():
        found = value_at(resource.body, path)
        if not same(found, value):
            choice = " or ".join(str(item) for item in value) if isinstance(value, tuple) else value
            faults.append(f"{path} is {found if found is not None else 'not set'}, set it to {choice}")
    return verdict(label(environment, resource), [*faults, *others], str(resource))


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path of nested mappings, or None."""
    for part in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(part)
    return body


def same(found: Any, wanted: Any) -> bool:
    """Whether a property has the wanted value, or one of several; the platform ignores the case of its words."""
    if isinstance(wanted, tuple):
        return any(same(found, item) for item in wanted)
    if isinstance(found, str) and isinstance(wanted, str):
        return found.lower() == wanted.lower()
    return type(found) is type(wanted) and bool(found == wanted)


def identity_name(text: str) -> str | None:
    """The user-assigned identity (lower case) that an id, or a reference left for deployment time, is about."""
    match = IDENTITY_NAME.search(text)
    return match.group(1).lower() if match else None


def type_of_id(resource_id: str) -> str:
    """The resource type in a resource id, in lower case; "subscription" and "resource group" for those scopes."""
    if SUBSCRIPTION_ID.match(resource_id):
        return "subscription"
    if RESOURCE_GROUP_ID.match(resource_id):
        return "resource group"
    parts = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])


def endpoint_targets(endpoint: Resource) -> Iterator[tuple[str, str]]:
    """Target id (lower case) and part of each connection of a private endpoint."""
    for connection in endpoint.properties.get("privateLinkServiceConnections") or []:
        for part in value_at(connection, "properties.groupIds") or [""]:
            yield str(value_at(connection, "properties.privateLinkServiceId")).lower(), part


def text_of(path: Path) -> str:
    """The text of a file of a project, empty when it is absent."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def object_of(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a project, empty when the file is absent or holds something else."""
    data = json.loads(text_of(path) or "{}")
    return data if isinstance(data, dict) else {}


def on_github(project: Project) -> bool:
    """Whether the pipelines run on GitHub Actions."""
    return bool(project.answers["ci_platform"] == "github")


def pipelines(project: Project) -> str:
    """The folder of the pipelines, from the root of the project."""
    return ".github/workflows" if on_github(project) else ".azuredevops"


@cache
def decision_table(name: str) -> dict[str, Any]:
    """A table of `generator/decisions`, by file name without suffix."""
    rows = yaml_text.read(DECISIONS / f"{name}.yml")
    assert isinstance(rows, dict)
    return rows


def workbook_queries(text: str) -> dict[str, str] | None:
    """Name and query of each picture of a workbook; None when the text is none."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(body, dict) or body.get("version") != "Notebook/1.0":
        return None
    pictures = [row for row in body.get("items", []) if row.get("type") == 3]
    return {str(row.get("name")): str(value_at(row, "content.query") or "") for row in pictures}


def bicep_files(root: Path) -> Iterator[tuple[str, str]]:
    """Path relative to the project, and text, of each Bicep file."""
    for path in sorted((root / "infra").rglob("*.bicep")):
        yield str(path.relative_to(root)), path.read_text(encoding="utf-8")


def linter_level(project: Project, rule: str) -> str | None:
    """Level of a linter rule in `infra/bicepconfig.json`, or None."""
    path = project.root / "infra" / "bicepconfig.json"
    level = value_at(object_of(path), f"analyzers.core.rules.{rule}.level")
    return level if isinstance(level, str) else None


def linter_findings(project: Project, rules: Iterable[str]) -> Iterator[Finding]:
    """One finding for each linter rule: it stops the build."""
    for rule in rules:
        level = linter_level(project, rule)
        faults = [] if level == "error" else [f"its level is {level or 'not set'}, set it to error"]
        yield verdict(f"infra/bicepconfig.json: {rule}", faults)


def resources_of(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Symbolic name (else name) and body of each resource of a compiled template, in either of its two shapes."""
    resources = template.get("resources", {})
    if isinstance(resources, Mapping):
        yield from resources.items()
    else:
        yield from ((str(resource.get("name")), resource) for resource in resources)


def nested_templates(template: Mapping[str, Any], name: str = "main.json") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The template itself and every module compiled into it, with a path of symbolic names."""
    yield name, template
    for key, resource in resources_of(template):
        inner = value_at(resource, "properties.template")
        if isinstance(inner, Mapping):
            yield from nested_templates(inner, f"{name}/{key}")
