"""Asks, before anything is deployed, whether the platform would take it.

Rights, providers, regions, sizes of machines, models and quotas are compared with the template and the parameters that
build.sh made. preflight.json says which parameters and definitions of jobs hold machines, and whose quota they use.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from azure_cli import Failure, az

BUILD = Path(__file__).parents[1]
SIZE = re.compile(r"Standard_[A-Z]+\d\w*")
MACHINE_LEARNING = "Microsoft.MachineLearningServices"
COMPUTE = "Microsoft.Compute"
QUOTAS = {MACHINE_LEARNING: "vCPUs of Azure Machine Learning", COMPUTE: "vCPUs of virtual machines"}
TOTAL_CORES = "all families"
GROUP = "Microsoft.Resources/resourceGroups"
DEPLOYMENT_ACTIONS = (
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/deployments/whatIf/action",
    "Microsoft.Resources/deploymentStacks/write",
)
DENY_ACTION = "Microsoft.Resources/deploymentStacks/manageDenySetting/action"
"""What a stack that denies deletion needs besides; Contributor leaves it out."""


Sizes = dict[str, tuple[str, int]]
"""Sizes that can be had, in lower case -> family, and vCPUs of one machine."""


@dataclass(frozen=True)
class Row:
    """One thing that was asked: what, where, how it stands, and what to ask for when it falls short (else empty)."""

    what: str
    place: str
    stands: str
    shortage: str = ""


@dataclass(frozen=True)
class Machines:
    """Machines of one use: whose quota they take (a provider), how many of which size, and where."""

    use: str
    quota: str
    size: str
    count: int
    region: str
    subscription: str


@dataclass(frozen=True)
class Deployment:
    """A deployment of a model: where, what, and its capacity."""

    region: str
    model: str
    version: str
    sku: str
    capacity: int


@dataclass(frozen=True)
class Quota:
    """What may be used of something, what is used, and what of that this environment uses itself."""

    limit: float
    used: float = 0
    own: float = 0

    @property
    def free(self) -> float:
        """What this environment may have in all; without a limit when the platform says -1."""
        return math.inf if self.limit < 0 else self.limit - self.used + self.own


class Plan:
    """What one environment deploys, from the files that build.sh made."""

    def __init__(self, build: Path, environment: str, subscription: str) -> None:
        parameters = json.loads((build / f"{environment}.parameters.json").read_text(encoding="utf-8"))["parameters"]
        self.values: dict[str, Any] = {name: row["value"] for name, row in parameters.items() if "value" in row}
        self.template: dict[str, Any] = json.loads((build / "main.json").read_text(encoding="utf-8"))
        self.settings: dict[str, Any] = json.loads((build / "scripts" / "preflight.json").read_text(encoding="utf-8"))
        self.stack: dict[str, Any] = json.loads((build / "scripts" / "stack.json").read_text(encoding="utf-8"))[
            environment
        ]
        self.environment = environment
        self.subscription = subscription
        self.region = str(self.values["location"])

    def own(self, resource_group: str) -> bool:
        """Whether a resource group belongs to this environment."""
        return resource_group.lower().startswith(f"rg-{self.values['workload']}-{self.environment}-".lower())

    def machines(self) -> list[Machines]:
        """Every machine that the parameters and the definitions of jobs ask for.

        Raises:
            Failure: A parameter holds a size that preflight.json does not list.
        """
        found = [item for row in self.settings["machines"] for item in self._machines(row)]
        for name, value in self.values.items():
            for size in SIZE.findall(json.dumps(value)):
                if size not in {item.size for item in found}:
                    raise Failure(f"Parameter {name} holds the size {size}: list it in scripts/preflight.json.")
        return found

    def _machines(self, row: Mapping[str, Any]) -> Iterator[Machines]:
        if "environments" in row and self.environment not in row["environments"]:
            return
        subscription, region = self._place(row)
        for size, count in self._sizes(row):
            if size and count:
                yield Machines(row["use"], row["quota"], size, count, region, subscription)

    def _place(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Subscription and region: those of the environment, another region, or an existing resource that runs them."""
        if "runs_in" not in row:
            return self.subscription, str(row.get("region", self.region))
        resource = self.values[row["runs_in"]]
        return resource.split("/")[2], az("resource", "show", "--ids", resource)["location"]

    def _sizes(self, row: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
        if "pools" in row:
            pools = self.values[row["pools"]]
            for pool in pools.values() if isinstance(pools, dict) else pools:
                yield pool["vmSize"], pool["maxNodes"]
        elif "parameter" in row:
            each = self.values.get(row["each"], []) if "each" in row else range(row["count"][self.environment])
            yield self.values.get(row["parameter"], ""), len(each)
        else:
            yield row["size"], row["count"]

    def deployments(self) -> list[Deployment]:
        """Every deployment of a model that the parameters ask for."""
        return [
            Deployment(account["location"], item["model"], item["version"], item["sku"], item["capacity"])
            for account in self.values.get("foundationAccounts", [])
            for item in account["deployments"]
        ]

    def resources(self) -> list[Mapping[str, Any]]:
        """Every resource that the template declares, those of its modules too."""
        return list(declared(self.template))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when the platform would not take the deployment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment")
    parser.add_argument("--build", type=Path, default=BUILD, help="folder that build.sh made")
    options = parser.parse_args(arguments)
    try:
        plan = Plan(options.build, options.environment, az("account", "show")["id"])
        rows = [row for ask in (rights, providers, machines, models, tuning) for row in ask(plan)]
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except FileNotFoundError as missing:
        print(f"{missing.filename} is missing: run scripts/build.sh first.", file=sys.stderr)
        return 1
    print(table(rows))
    shortages = list(dict.fromkeys(row.shortage for row in rows if row.shortage))
    for shortage in shortages:
        print(shortage, file=sys.stderr)
    return 1 if shortages else 0


def table(rows: Iterable[Row]) -> str:
    """Rows for people, in columns."""
    cells = [("", "What", "Where", "How it stands")]
    cells += [("short" if row.shortage else "ok", row.what, row.place, row.stands) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def readable(what: str, place: str, role: str, ask: Callable[[], Iterable[Row]]) -> list[Row]:
    """The rows, or the one that says who may read them when the platform refuses."""
    try:
        return list(ask())
    except Failure as failure:
        text = str(failure).splitlines()[0].rstrip(".")
        return [Row(what, place, "not readable", f"{what} in {place}: {text}. Ask for the role {role}.")]


def declared(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Resources of a compiled template and of the modules in it, without references to existing ones."""
    resources = template.get("resources", {})
    for resource in resources.values() if isinstance(resources, dict) else resources:
        if resource.get("existing"):
            continue
        yield resource
        # Properties may be one expression.
        properties = resource.get("properties")
        if isinstance(properties, dict):
            yield from declared(properties.get("template", {}))


def pages(path: str) -> Iterator[dict[str, Any]]:
    """Every row that the platform lists at a path."""
    url: str | None = path
    while url:
        answer = az("rest", "--method", "get", "--url", url)
        yield from answer["value"]
        url = answer.get("nextLink")


def rights(plan: Plan) -> list[Row]:
    """Whether whoever is signed in may make every kind of resource, and give the roles."""
    kinds = {resource["type"] for resource in plan.resources()} - {GROUP}
    actions = {*DEPLOYMENT_ACTIONS, *(f"{kind}/write" for kind in kinds)}
    if plan.stack["deny_settings_mode"] != "none":
        actions.add(DENY_ACTION)
    scopes = {f"/subscriptions/{plan.subscription}": actions}
    for row in plan.settings["elsewhere"]:
        group = "/".join(plan.values[row["parameter"]].split("/")[:5])
        scopes.setdefault(group, set()).update(row["actions"])
    found = []
    for scope, actions in scopes.items():
        role = f"Reader on {scope}"
        found += readable("Rights", scope, role, partial(allowed, scope, actions))
    return found


def allowed(scope: str, actions: Iterable[str]) -> Iterator[Row]:
    """One row for a scope: whether every action is allowed there."""
    permissions = list(pages(f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"))
    missing = sorted(action for action in actions if not any(allows(item, action) for item in permissions))
    shortage = f"Ask for a role on {scope} that allows {', '.join(missing)}." if missing else ""
    yield Row("Rights", scope, f"{len(missing)} actions are not allowed" if missing else "enough", shortage)


def allows(permission: Mapping[str, Any], action: str) -> bool:
    """Whether one permission allows an action: its patterns name it, and none takes it back."""

    def named(patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

    return named(permission.get("actions", [])) and not named(permission.get("notActions", []))


def providers(plan: Plan) -> list[Row]:
    """Whether every provider is registered and offers in the region what the template places there."""
    known = {row["namespace"].lower(): row for row in az("provider", "list")}
    kinds: dict[str, set[str]] = {}
    for resource in plan.resources():
        namespace, _, kind = resource["type"].partition("/")
        kinds.setdefault(namespace, set()).update({kind} if "location" in resource else ())
    for item in plan.machines():
        if item.subscription == plan.subscription:
            kinds.setdefault(item.quota, set())
    return [provider(plan, known.get(name.lower(), {}), name, found) for name, found in sorted(kinds.items())]


def provider(plan: Plan, row: Mapping[str, Any], namespace: str, kinds: set[str]) -> Row:
    """How one provider stands."""
    state = row.get("registrationState", "unknown")
    if state != "Registered":
        command = f"az provider register --namespace {namespace}"
        return Row("Provider", namespace, state, f"{namespace} is not registered in the subscription: run {command}.")
    offered = {kind["resourceType"].lower(): kind["locations"] for kind in row["resourceTypes"]}
    for kind in sorted(kinds):
        places = {place.lower().replace(" ", "") for place in offered.get(kind.lower(), ())}
        if places and not places & {plan.region, "global"}:
            shortage = f"{namespace}/{kind} is not offered in {plan.region}: choose another region."
            return Row("Provider", namespace, f"{kind} not in {plan.region}", shortage)
    return Row("Provider", namespace, "registered")


def machines(plan: Plan) -> list[Row]:
    """Whether the region has the sizes, and the quotas of their families and of all machines suffice."""
    wanted: dict[tuple[str, str, str], list[Machines]] = {}
    for item in plan.machines():
        wanted.setdefault((item.quota, item.subscription, item.region), []).append(item)
    found = []
    for (quota, subscription, region), items in wanted.items():
        what = QUOTAS[quota]
        role = f"Reader on /subscriptions/{subscription}"
        found += readable(what, region, role, partial(cores, plan, what, items))
    return found


def cores(plan: Plan, what: str, items: list[Machines]) -> Iterator[Row]:
    """Rows about machines that use one quota, in one region."""
    first = items[0]
    ask = learning_quotas if first.quota == MACHINE_LEARNING else compute_quotas
    sizes, quotas = ask(plan, first.subscription, first.region)
    needed: dict[str, int] = {}
    for item in items:
        if item.size.lower() not in sizes:
            shortage = f"{item.region} has no {item.size} for {item.use}: choose another size or region."
            yield Row(item.size, item.region, "not offered", shortage)
            continue
        family, each = sizes[item.size.lower()]
        for name in (family, TOTAL_CORES):
            needed[name] = needed.get(name, 0) + each * item.count
    for name, count in needed.items():
        yield enough(f"{what}, {name}", first.region, count, quotas.get(plain(name), Quota(0)), "Usage + quotas")


def enough(what: str, region: str, needed: float, quota: Quota, page: str) -> Row:
    """A row that compares a need with a quota."""
    free = "no limit" if math.isinf(quota.free) else f"{quota.free:g} free"
    stands = f"{needed:g} needed, {free}"
    if needed <= quota.free:
        return Row(what, region, stands)
    wanted = quota.limit + needed - quota.free
    shortage = f"{what} in {region}: {stands}. Ask for a limit of {wanted:g} instead of {quota.limit:g} ({page})."
    return Row(what, region, stands, shortage)


def plain(family: str) -> str:
    """A family in one spelling: the platform writes standardDASv4Family here, Standard DASv4 Family ... there."""
    text = re.sub(r"\bcluster dedicated vcpus$", "", family.lower())
    return re.sub(r"standard|family|[^a-z0-9]", "", text)


def learning_quotas(plan: Plan, subscription: str, region: str) -> tuple[Sizes, dict[str, Quota]]:
    """Sizes and quotas of Azure Machine Learning: clusters, instances, jobs and endpoints share one of its own."""
    root = f"/subscriptions/{subscription}/providers/{MACHINE_LEARNING}/locations/{region}"
    offered = {
        row["name"].lower(): (row["family"], row["vCPUs"]) for row in pages(f"{root}/vmSizes?api-version=2025-06-01")
    }
    quotas: dict[str, Quota] = {}
    own: dict[str, float] = {}
    for row in pages(f"{root}/usages?api-version=2025-06-01"):
        kind = row["type"].removeprefix(f"{MACHINE_LEARNING}/")
        name = row["name"]["value"]
        if kind == "vmFamily/usages" and name.lower().endswith("dedicated vcpus"):
            quotas[plain(name)] = Quota(row["limit"], row["currentValue"])
        elif kind == "dedicatedCores/usages":
            quotas[plain(TOTAL_CORES)] = Quota(row["limit"], row["currentValue"])
        elif kind in ("workspaces/usages", "workspace/usages") and plan.own(row["id"].split("/")[4]):
            for key in (plain(name), plain(TOTAL_CORES)):
                own[key] = own.get(key, 0) + row["currentValue"]
    return offered, {key: Quota(quota.limit, quota.used, own.get(key, 0)) for key, quota in quotas.items()}


def compute_quotas(plan: Plan, subscription: str, region: str) -> tuple[Sizes, dict[str, Quota]]:
    """Sizes and quotas of virtual machines, which the nodes of clusters use."""
    there = ("--subscription", subscription)
    place = ("--location", region, *there)
    offered = {}
    # Sizes that are closed to the subscription are not in the answer.
    for row in az("vm", "list-skus", *place, "--resource-type", "virtualMachines"):
        traits = {item["name"]: item["value"] for item in row["capabilities"]}
        offered[row["name"].lower()] = (row["family"], int(traits["vCPUs"]))
    own: dict[str, float] = {}
    for cluster in az("aks", "list", *there):
        for pool in cluster["agentPoolProfiles"] if plan.own(cluster["resourceGroup"]) else ():
            family, each = offered.get(pool["vmSize"].lower(), ("", 0))
            for key in (plain(family), plain(TOTAL_CORES)):
                own[key] = own.get(key, 0) + each * pool["count"]
    quotas = {}
    for row in az("vm", "list-usage", *place):
        key = plain(TOTAL_CORES if row["name"]["value"] == "cores" else row["name"]["value"])
        quotas[key] = Quota(int(row["limit"]), int(row["currentValue"]), own.get(key, 0))
    return offered, quotas


def models(plan: Plan) -> list[Row]:
    """Whether each region offers the models, versions and types of deployment, and their quotas suffice."""
    wanted: dict[str, list[Deployment]] = {}
    for item in plan.deployments():
        wanted.setdefault(item.region, []).append(item)
    found = []
    for region, items in wanted.items():
        role = f"Cognitive Services Usages Reader on /subscriptions/{plan.subscription}"
        found += readable("Models", region, role, partial(tokens, plan, region, items))
    return found


def tuning(plan: Plan) -> list[Row]:
    """Whether the region tunes foundation models, where this environment does."""
    if plan.environment not in plan.settings.get("tuning", ()):
        return []
    role = f"Reader on /subscriptions/{plan.subscription}"
    return readable("Fine-tuning", plan.region, role, partial(tunable, plan.region))


def tunable(region: str) -> Iterator[Row]:
    """One row: how many models the region tunes."""
    offered = [row["model"] for row in az("cognitiveservices", "model", "list", "--location", region)]
    names = {row["name"] for row in offered if (row.get("capabilities") or {}).get("fineTune") == "true"}
    shortage = "" if names else f"{region} tunes no foundation model: choose another region, or leave fine-tuning out."
    yield Row("Fine-tuning", region, f"{len(names)} models can be tuned", shortage)


def tokens(plan: Plan, region: str, items: Iterable[Deployment]) -> Iterator[Row]:
    """Rows about the models of one region; the platform itself says which quota a deployment uses."""
    offers: dict[str, dict[str, dict[str, str]]] = {}
    for row in az("cognitiveservices", "model", "list", "--location", region):
        if row["kind"] == "AIServices":
            model = row["model"]
            types = {sku["name"]: sku["usageName"] for sku in model.get("skus") or ()}
            offers.setdefault(model["name"], {})[model["version"]] = types
    needed: dict[str, float] = {}
    for item in items:
        lacking = not_offered(item, offers)
        if lacking:
            yield Row(f"{item.model} as {item.sku}", region, "not offered", lacking)
            continue
        name = offers[item.model][item.version][item.sku]
        needed[name] = needed.get(name, 0) + item.capacity
    own: dict[str, float] = {}
    for item in existing(plan, region) if needed else ():
        name = offers.get(item.model, {}).get(item.version, {}).get(item.sku, "")
        own[name] = own.get(name, 0) + item.capacity
    usages = az("cognitiveservices", "usage", "list", "--location", region) if needed else []
    quotas = {row["name"]["value"]: Quota(row["limit"], row["currentValue"]) for row in usages}
    for name, count in needed.items():
        quota = quotas.get(name, Quota(0))
        whole = Quota(quota.limit, quota.used, own.get(name, 0))
        yield enough(f"Capacity of {name}", region, count, whole, "Microsoft Foundry, Management, Quota")


def not_offered(item: Deployment, offers: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """What a region lacks for a deployment, in one sentence; empty when it lacks nothing."""
    versions = offers.get(item.model)
    if not versions:
        return f"{item.region} does not offer {item.model}: choose another model or region."
    if item.version not in versions:
        others = ", ".join(sorted(versions))
        return f"{item.region} does not offer version {item.version} of {item.model}: choose one of {others}."
    if item.sku not in versions[item.version]:
        others = ", ".join(sorted(versions[item.version])) or "none"
        return f"{item.region} does not offer {item.model} as {item.sku}: choose another model, or one of {others}."
    return ""


def existing(plan: Plan, region: str) -> Iterator[Deployment]:
    """Deployments that this environment has already: their capacity is counted as used."""
    for account in az("cognitiveservices", "account", "list"):
        if account["location"] != region or not plan.own(account["resourceGroup"]):
            continue
        place = ("--resource-group", account["resourceGroup"], "--name", account["name"])
        for row in az("cognitiveservices", "account", "deployment", "list", *place):
            model, sku = row["properties"]["model"], row["sku"]
            yield Deployment(region, model["name"], model["version"], sku["name"], sku["capacity"])


if __name__ == "__main__":
    sys.exit(main())
