"""What will exist: evaluated resources as rows, as a table and as a tree by resource group."""

from functools import lru_cache
from typing import Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from generator import yaml_text
from generator.evaluation import Environment, Project, Resource
from generator.paths import DECISIONS

ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments"


def row(resource: Resource) -> dict[str, Any]:
    """One resource as plain data, for JSON."""
    return {
        "id": resource.id,
        "type": resource.type,
        "name": resource.name,
        "resourceGroup": resource.resource_group,
        "location": resource.location,
        "sku": resource.sku.get("name") or resource.properties.get("sku", {}).get("name"),
        "scope": resource.scope,
        "tags": resource.tags,
    }


def rows(project: Project) -> dict[str, Any]:
    """Every environment as plain data."""
    return {
        "environments": {name: [row(item) for item in found.resources] for name, found in project.environments.items()}
    }


def table(environment: Environment) -> Table:
    """One environment as a table: type, name, resource group, region and size."""
    drawn = Table(title=f"{environment.name}: {len(environment.resources)} resources", title_justify="left")
    for title in ("type", "name", "resource group", "region", "size"):
        drawn.add_column(title, overflow="fold")
    for resource in environment.resources:
        cells = row(resource)
        drawn.add_row(
            cells["type"].removeprefix("Microsoft."),
            short_name(resource),
            cells["resourceGroup"] or "",
            cells["location"] or "",
            cells["sku"] or "",
        )
    return drawn


def tree(environment: Environment) -> Tree:
    """One environment as a tree: resource group, resource, and what belongs to a resource below it."""
    drawn = Tree(f"{environment.name}: {len(environment.resources)} resources")
    groups: dict[str | None, Tree] = {}
    branches: dict[str, Tree] = {}
    for resource in environment.resources:
        if resource.type.lower() == "microsoft.resources/resourcegroups":
            groups[resource.name] = drawn.add(Text(f"{resource.name} ({resource.location})", style="bold"))
    for resource in sorted(environment.resources, key=lambda item: len(_above(item) or "")):
        if resource.type.lower() == "microsoft.resources/resourcegroups":
            continue
        above = branches.get((_above(resource) or "").lower()) or _group(drawn, groups, resource)
        branches[resource.id.lower()] = above.add(_label(resource))
    return drawn


def _group(drawn: Tree, groups: dict[str | None, Tree], resource: Resource) -> Tree:
    """The branch of a resource group; of one that is not ours when it is reused, or of the subscription."""
    name = resource.resource_group
    if name not in groups:
        groups[name] = drawn.add(Text(f"{name} (existing)" if name else "subscription", style="bold"))
    return groups[name]


def _above(resource: Resource) -> str | None:
    return resource.scope or resource.parent_id


def short_name(resource: Resource) -> str:
    """The last part of the name; of a role assignment, whose name is a hash, what it grants."""
    if resource.type.lower() == ROLE_ASSIGNMENT:
        role = str(resource.properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1]
        holder = str(resource.properties.get("principalId", ""))
        if "userAssignedIdentities/" in holder:
            holder = holder.partition("userAssignedIdentities/")[2].partition("'")[0]
        return f"{_role_names().get(role, role)} for {holder}"
    return resource.name.rsplit("/", 1)[-1]


@lru_cache(maxsize=1)
def _role_names() -> dict[str, str]:
    """Id of a role definition -> its name."""
    table = yaml_text.read(DECISIONS / "roles.yml")
    return {row["id"]: row["name"] for row in table.values()}


def _label(resource: Resource) -> Text:
    size = row(resource)["sku"]
    text = Text(f"{resource.type.removeprefix('Microsoft.')} ")
    text.append(short_name(resource), style="cyan")
    return text.append(f" ({size})") if size else text
