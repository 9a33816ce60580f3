"""What the answers say must exist, and may.

Every check has two halves: what is there is as it must be, and what the answers ask for is there. Without the second
half a check on an absent type would hold. The tables of that half are expressions over the answers.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.environment import TemplateExpression

from generator.checks import DoesNotApply, Finding
from generator.checks.reading import bicep_files, same, verdict
from generator.checks.tables import ALLOWED_TYPES, EXPECTED_COUNTS, PRIVATE_LINK_PARTS, PRIVATE_LINK_PARTS_IN_USE
from generator.evaluation import Environment, Project, Resource

OWNERS_MODULES = "infra/modules/local/"
GATEWAY = "Microsoft.ApiManagement/service"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"


@cache
def _compiled(expression: str) -> TemplateExpression:
    return jinja2.Environment(undefined=jinja2.StrictUndefined).compile_expression(expression, undefined_to_none=False)


def environment_facts(answers: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """The answers, and what follows from them for one environment.

    Args:
        answers: Every answer, stored and computed.
        environment: dev, test or prod.

    Returns:
        The answers plus `environment`, `here` (names of the components), `stores` (names of the storage containers),
        `own_registry`, `workspaces` (purposes of the Azure ML workspaces), `model_registry` (whether a registry of
        models is created here), `models` (names of the model accounts), `encrypted` (services with a key of their own),
        `second_region` and `workload_subnets`.
    """
    rows = [row for row in answers["components"] if environment in row["environments"]]
    people = answers["people_containers"] if environment == "dev" else []
    stores = sorted({name for row in rows for name in [*row["reads"], *row["writes"]]} | set(people))
    own_registry = answers["needs_registry"] and any(row["pulls_images"] for row in rows)
    workspaces = [row["name"].removesuffix("-workspace") for row in rows if row["manages"]]
    models = (
        [row["name"] for row in answers["foundation_accounts"][environment]] if answers["serves_foundation"] else []
    )
    models += [row["name"] for row in rows if row["name"] == "tuning"]
    services = (["storage"] if stores else []) + (["registry"] if own_registry else []) + workspaces + models
    return {
        **answers,
        "environment": environment,
        "here": [row["name"] for row in rows],
        "stores": stores,
        "own_registry": own_registry,
        "workspaces": workspaces,
        "model_registry": _creates_model_registry(answers, environment, workspaces),
        "models": models,
        "encrypted": services if answers["customer_managed_keys"] else [],
        "second_region": answers["two_regions"] and environment == "prod",
        "workload_subnets": [name for name in answers["subnets"] if name not in ("firewall", "ingress")],
    }


def _creates_model_registry(answers: Mapping[str, Any], environment: str, workspaces: list[str]) -> bool:
    """Whether an environment creates a registry of models: the first one when it is shared, else whoever has models."""
    if not answers["needs_model_registry"]:
        return False
    if answers["shared_model_registry"]:
        return bool(environment == answers["environments"][0])
    return bool({"training", "inference"} & set(workspaces))


def evaluate_condition(expression: str, facts: Mapping[str, Any]) -> Any:
    """The value of a Jinja expression over the answers, such as `private and not hub`."""
    return _compiled(expression)(**facts)


def allowed_types(answers: Mapping[str, Any], environment: str) -> set[str]:
    """Resource types (lower case) that the answers justify in one environment."""
    facts = environment_facts(answers, environment)
    rows = (types for condition, types in ALLOWED_TYPES.items() if evaluate_condition(condition, facts))
    return {name.lower() for types in rows for name in types}


def expected_count(answers: Mapping[str, Any], environment: str, resource_type: str) -> int:
    """How many resources of a type of `EXPECTED_COUNTS` one environment has."""
    return int(evaluate_condition(EXPECTED_COUNTS[resource_type], environment_facts(answers, environment)))


def owners_types(root: Path) -> set[str]:
    """Resource types (lower case) that the owner of the project declares in modules of their own."""
    texts = [text for path, text in bicep_files(root) if path.startswith(OWNERS_MODULES)]
    return {name.lower() for text in texts for name in re.findall(r"^resource \w+ '([^'@]+)@", text, re.MULTILINE)}


def unevaluated(project: Project) -> list[Finding]:
    """What a check says first of a project of which nothing compiles: whatever else it reads, nothing holds."""
    faults = ["nothing could be evaluated, correct what the compiler reports"]
    return [] if project.environments else [verdict("infra/main.bicep", faults)]


def presence(project: Project, *types: str) -> list[Finding]:
    """The "must exist" half: as many resources of each type as the answers ask for, in each environment.

    The owner's modules may add to them.

    Raises:
        DoesNotApply: The answers ask for none of the types, and none is there.
    """
    if not project.environments:
        return unevaluated(project)
    owners = owners_types(project.root)
    findings = []
    for environment in project.environments.values():
        for name in types:
            wanted = expected_count(project.answers, environment.name, name)
            found = len(environment.of_type(name))
            faults = []
            if found < wanted:
                faults.append(f"{found} where the answers ask for {wanted}, deploy what is missing")
            elif found > wanted and name.lower() not in owners:
                faults.append(f"{found} where the answers ask for {wanted}, remove what nobody asked for")
            if wanted or found:
                findings.append(verdict(f"{environment.name}: {name}", faults))
    if not findings:
        raise DoesNotApply(f"The answers ask for no {' or '.join(types)}.")
    return findings


def private_endpoints(project: Project, environment: Environment) -> list[tuple[str, str]]:
    """The private endpoints that one environment must have.

    Returns:
        Pairs of target id (lower case) and part (group id), one for each endpoint; empty for public postures.
    """
    answers = project.answers
    if not answers["private"]:
        return []
    pairs = []
    for service, parts in PRIVATE_LINK_PARTS.items():
        for resource in environment.of_type(service):
            pairs += [(resource.id.lower(), part) for part in [*parts, *_parts_in_use(environment, resource)]]
    pairs += [(item.id.lower(), "Gateway") for item in environment.of_type(GATEWAY) if not injected(item)]
    facts = environment_facts(answers, environment.name)
    pulls = any(row["pulls_images"] for row in answers["components"] if row["name"] in facts["here"])
    if "container_registry" in answers["reuse"] and pulls and not answers["hub"]:
        pairs.append((answers["existing_container_registry_id"].lower(), "registry"))
    return pairs


def injected(gateway: Resource) -> bool:
    """Whether an API Management service stands inside the network itself: it needs no private endpoint then."""
    return same(gateway.properties.get("virtualNetworkType"), "Internal")


def _parts_in_use(environment: Environment, account: Resource) -> list[str]:
    prefix = account.id.lower() + "/"
    parts = [
        part
        for part, child in PRIVATE_LINK_PARTS_IN_USE.items()
        if any(resource.id.lower().startswith(prefix) for resource in environment.of_type(child))
    ]
    stores = [str(item.properties.get("storageAccount")).lower() for item in environment.of_type(WORKSPACE)]
    if account.id.lower() in stores and "file" not in parts:
        parts.append("file")
    return parts + (["dfs"] if account.properties.get("isHnsEnabled") is True else [])
