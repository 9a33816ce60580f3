"""Exploration (EDA rows): machines and workspaces of data scientists, as evaluated."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import presence
from generator.checks.reading import (
    ENDPOINT,
    compare,
    decision_table,
    endpoint_targets,
    identity_name,
    label,
    located,
    on_github,
    pipelines,
    same,
    text_of,
    value_at,
    verdict,
)
from generator.checks.security import belongs_to, principal, role_id
from generator.evaluation import Environment, Project, Resource

COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
SHARE = "Microsoft.Storage/storageAccounts/fileServices/shares"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
ROLE = "Microsoft.Authorization/roleAssignments"
DATABRICKS = "Microsoft.Databricks/workspaces"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
STORAGE = "Microsoft.Storage/storageAccounts"
DATA_WRITERS = ("storageBlobDataContributor", "contributor", "owner")
"""Roles of the table that write blobs, or let their holder do so."""
CONNECTOR = "Microsoft.Databricks/accessConnectors"
UNDER = "identity.userAssignedIdentities"
MACHINE_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z0-9-]*[A-Za-z])){2,23}")
"""Letters, digits and hyphens, a letter somewhere after each hyphen.
Source: https://learn.microsoft.com/azure/machine-learning/how-to-create-compute-instance"""
OLD_DAYS = 30
LONGEST_IDLE_MINUTES = 60
PAGE = "ml/exploration/README.md"
PERSONAL = {
    "properties.disableLocalAuth": True,
    "properties.properties.applicationSharingPolicy": "Personal",
    "properties.properties.enableNodePublicIp": False,
    "properties.properties.sshSettings.sshPublicAccess": "Disabled",
}


def machines(environment: Environment) -> list[Resource]:
    """The compute instances of one environment."""
    return [item for item in environment.of_type(COMPUTE) if item.properties.get("computeType") == "ComputeInstance"]


@check("EDA-01")
def personal_machines(project: Project) -> Iterator[Finding]:
    """EDA-01: one machine for each seat, personal, closed, of the size that the answers ask for.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-create-compute-instance
    """
    size = decision_table("machine-sizes")["exploration"]["gpu" if project.answers["eda_gpu"] else "cpu"]
    for environment in project.environments.values():
        found, seats = machines(environment), project.answers["eda_seats"]
        wanted = seats if environment.name == "dev" else 0
        faults = [] if len(found) == wanted else [f"{len(found)} machines where the answers ask for {wanted}"]
        people = [
            value_at(item.body, "properties.properties.personalComputeInstanceSettings.assignedUser.objectId")
            for item in found
        ]
        faults += ["assign each machine to a person"] if not all(people) else []
        yield verdict(f"{environment.name}: compute instances", faults)
        for item in found:
            named = MACHINE_NAME.fullmatch(item.name.rpartition("/")[2])
            others = [] if named else ["name it with a letter after each hyphen, the platform refuses other names"]
            yield compare(environment, item, {**PERSONAL, "properties.properties.vmSize": size}, others)


@check("EDA-02")
def machines_stop(project: Project) -> Iterator[Finding]:
    """EDA-02: each machine stops when idle, starts and stops with the working day, in the time zone of the answers.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-create-compute-instance
    """
    answers = project.answers
    found = [(environment, item) for environment in project.environments.values() for item in machines(environment)]
    yield verdict("compute instances", [] if found else ["deploy one for each seat"])
    for environment, item in found:
        settings = item.properties["properties"]
        idle = f"PT{answers['eda_idle_minutes']}M"
        faults = [] if settings.get("idleTimeBeforeShutdown") == idle else [f"set idleTimeBeforeShutdown to {idle}"]
        faults += ["take its identity, a machine with one does not stop when idle"] if item.identity else []
        rows = {row["action"]: row for row in value_at(settings, "schedules.computeStartStop") or []}
        for action, time in (("Start", answers["eda_start"]), ("Stop", answers["eda_stop"])):
            faults += _schedule_faults(rows.get(action, {}), action, time, answers["eda_time_zone"])
        yield verdict(label(environment, item), faults, str(item))


def _schedule_faults(row: dict, action: str, time: str, zone: str) -> list[str]:  # type: ignore[type-arg]
    hour, minute = time.split(":")
    parts = str(value_at(row, "cron.expression") or "").split()
    right = parts == [str(int(minute)), str(int(hour)), "*", "*", "1-5"] and row.get("status") == "Enabled"
    right = right and row.get("triggerType") == "Cron" and value_at(row, "cron.timeZone") == zone
    return [] if right else [f"let the {action} entry run at {time} on working days in time zone {zone}"]


@check("EDA-03")
def team_share(project: Project) -> Iterator[Finding]:
    """EDA-03: a file share with a quota and logs, which the group of the data scientists reaches by identity.

    Looks at the code that reaches it too: it presents a token with the intent that the role of the group needs.
    It is reached over REST: over SMB only machines have tokens, and one with an identity does not stop when idle.

    Source: https://learn.microsoft.com/azure/storage/files/files-managed-identities
    """
    role = decision_table("roles")["storageFileDataPrivilegedContributor"]["id"]
    shares = list(located(project, SHARE))
    yield verdict("file share", [] if shares else ["deploy a share for the team"])
    for environment, share in shares:
        account = share.id.lower().split("/fileservices/")[0]
        held = {
            principal(item)
            for item in environment.of_type(ROLE)
            if role_id(item) == role and str(item.scope).lower() == account
        }
        group = project.answers["data_scientists_group_id"].lower()
        faults = [] if group in held else ["give the data scientists' group Storage File Data Privileged Contributor"]
        faults += [] if share.properties.get("shareQuota") else ["set shareQuota"]
        service = share.id.lower().rpartition("/shares/")[0]
        logged = {str(item.scope).lower() for item in environment.of_type(DIAGNOSTICS) if _logs(item)}
        faults += [] if service in logged else ["log who reads its files"]
        reached = {target for item in environment.of_type(ENDPOINT) for target in endpoint_targets(item)}
        unreached = project.answers["private"] and (account, "file") not in reached
        faults += ["add a private endpoint for file"] if unreached else []
        yield verdict(label(environment, share), faults, str(share))
    names = {share.name.rpartition("/")[2] for _, share in shares}
    code = text_of(project.root / "ml/exploration/storage.py")
    faults = [] if names & set(re.findall(r'"([a-z0-9-]+)"', code)) else ["name the share"]
    faults += (
        [] if 'token_intent="backup"' in code and "AccountKey" not in code else ["present a token, with its intent"]
    )
    yield verdict("ml/exploration/storage.py", faults)
    yield verdict(PAGE, [] if "storage.py" in text_of(project.root / PAGE) else ["tell how the share is reached"])


@check("EDA-04")
def tracked_from_the_start(project: Project) -> Iterator[Finding]:
    """EDA-04: the first notebook starts an MLflow run, with pinned packages.

    Source: https://learn.microsoft.com/azure/well-architected/ai/mlops-genaiops
    """
    code = project.root / "ml/exploration/first_look.py"
    calls = set()
    if code.is_file():
        tree = ast.parse(code.read_text(encoding="utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    faults = [] if "mlflow.start_run" in calls else ["call mlflow.start_run"]
    yield verdict("ml/exploration/first_look.py", faults)
    text = text_of(project.root / "ml/exploration/requirements.txt")
    pins = set(re.findall(r"^([\w.-]+)==[\w.]+", text, re.MULTILINE))
    needed = {"mlflow", "azureml-mlflow"} if project.answers["aml_exploration"] else {"mlflow"}
    missing = sorted(name for name in needed if not pins & {name, f"{name}-skinny"})
    faults = [f"pin {name}" for name in missing]
    foreign = "azureml-mlflow" in pins and "azureml-mlflow" not in needed
    faults += ["leave azureml-mlflow out, Databricks tracks without it"] if foreign else []
    yield verdict("ml/exploration/requirements.txt", faults)
    ran = "\n".join(_code_cells(project.root / "ml/exploration/first_look.ipynb"))
    tracked = re.search(r"\bfirst_look\.look\(|\bmlflow\.start_run\(", ran)
    yield verdict("ml/exploration/first_look.ipynb", [] if tracked else ["start a run in it"])


def _code_cells(notebook: Path) -> Iterator[str]:
    cells = json.loads(text_of(notebook) or "{}").get("cells", [])
    yield from ("".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code")


@check("EDA-05")
def explored_in_dev_only(project: Project) -> Iterator[Finding]:
    """EDA-05: no machine and no workspace of exploration outside dev; in dev it has a workspace of its own.

    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    yield from presence(project, "Microsoft.Resources/resourceGroups")
    for environment in project.environments.values():
        spaces = [item for item in environment.of_type(WORKSPACE) if item.name.endswith("-exploration")]
        wanted = 1 if environment.name == "dev" and project.answers["aml_exploration"] else 0
        faults = [] if len(spaces) == wanted else [f"{len(spaces)} workspaces of exploration, there must be {wanted}"]
        owners = {str(item.parent_id).lower() for item in machines(environment)}
        stray = owners - {item.id.lower() for item in spaces}
        faults += ["keep compute instances in the workspace of exploration"] if stray else []
        yield verdict(f"{environment.name}: exploration", faults)


@check("EDA-06")
def data_is_only_read(project: Project) -> Iterator[Finding]:
    """EDA-06: who explores reads the container data of dev and writes nothing to any, and every read leaves a trace.

    Looks at the roles of the identity of exploration and of the data scientists' group on data and on whatever holds it
    (account, resource group, subscription), at shared keys and at the logs of each account that holds the container.
    Source: https://learn.microsoft.com/azure/well-architected/ai/data-platform
    """
    reader = decision_table("roles")["storageBlobDataReader"]["id"]
    writers = {row["id"] for name, row in decision_table("roles").items() if name in DATA_WRITERS}
    found = [pair for pair in located(project, CONTAINER) if pair[1].name.endswith("/data")]
    yield verdict("container data", [] if found else ["deploy it, exploration reads it"])
    group = project.answers["data_scientists_group_id"].lower()
    explores = _explorers(project)
    for environment, container in found:
        above = [item for item in environment.of_type(ROLE) if _covers(str(item.scope), container.id)]
        held = [
            item
            for item in above
            if principal(item) == group or any(belongs_to(principal(item), name) for name in explores)
        ]
        faults = [f"take the role {item} from who explores" for item in sorted({role_id(i) for i in held} & writers)]
        reads = environment.name != "dev" or reader in {role_id(item) for item in held}
        faults += [] if reads else ["let who explores read it, with the role of a reader"]
        account = container.id.rpartition("/blobServices/")[0].lower()
        keys = [
            item.properties.get("allowSharedKeyAccess")
            for item in environment.of_type(STORAGE)
            if same(item.id, account)
        ]
        faults += [] if keys == [False] else ["switch shared keys of its account off, reads by key have no name"]
        logged = {str(item.scope).lower() for item in environment.of_type(DIAGNOSTICS) if _logs(item)}
        faults += [] if f"{account}/blobservices/default" in logged else ["log the reads of its account"]
        yield verdict(label(environment, container), faults, str(container))
    if project.answers["eda_platform"] == "databricks":
        script = "scripts/databricks_exploration.py"
        granted = _constant(project.root / script, "CONTAINERS").get("data")
        yield verdict(script, [] if granted == ["READ_FILES"] else ["let the group read data and nothing else"])


def _explorers(project: Project) -> set[str]:
    """Components as which people explore: Unity Catalog reaches data as one identity; compute instances have none."""
    connectors = set(project.answers["databricks_connectors"])
    return {"exploration", "training"} & connectors if "exploration" in connectors else set()


def _constant(path: Path, name: str) -> dict[str, Any]:
    """A mapping that a script assigns at its top, empty when it is not there."""
    for node in ast.parse(text_of(path)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value = ast.literal_eval(node.value)
            return value if isinstance(value, dict) else {}
    return {}


def _covers(scope: str, target: str) -> bool:
    return f"{target.lower()}/".startswith(f"{scope.lower()}/")


def _logs(setting: Resource) -> bool:
    """Whether a diagnostic setting sends the logs of reads."""
    rows = setting.properties.get("logs") or []
    return any(
        row.get("enabled") is True
        and (row.get("categoryGroup") in ("allLogs", "audit") or row.get("category") == "StorageRead")
        for row in rows
    )


@check("EDA-07")
def databricks_closed(project: Project) -> Iterator[Finding]:
    """EDA-07: a new Databricks workspace is premium and without public addresses; each function has a connector.

    A connector has the identity of its function, in a new workspace or an existing one, and `ml/storage.json` gives
    each container to one of them. Whoever explores does it under a policy, and has no compute instance besides.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-databricks
    """
    answers = project.answers
    asked, lake = answers["databricks_environments"], answers["databricks_connectors"]
    if project.environments and not asked and not lake and not list(located(project, DATABRICKS, CONNECTOR)):
        raise DoesNotApply("The workspace exists already: how it is set up is its owner's to decide.")
    for environment in project.environments.values():
        due = 1 if environment.name in asked else 0
        count = len(environment.of_type(DATABRICKS))
        faults = [] if count == due else [f"{count}, there must be {due}"]
        yield verdict(f"{environment.name}: {DATABRICKS}", faults)
        yield from _workspaces(environment, answers["private"])
        both = [item.name for item in machines(environment)] if "exploration" in lake else []
        faults = [f"remove {name}, people explore on Databricks" for name in both]
        yield verdict(f"{environment.name}: compute instances", faults)
        yield from _connectors(environment, _on_databricks(answers, environment.name))
    if lake:
        yield from _lake(project)
        yield _storage(project)
    if "exploration" in lake:
        yield from _cluster_policy(project)
        yield from _experiment(project)


def _on_databricks(answers: Mapping[str, Any], environment: str) -> list[dict[str, Any]]:
    """Components of an environment that Unity Catalog is when it reaches storage."""
    rows = [row for row in answers["components"] if environment in row["environments"]]
    return [row for row in rows if row["name"] in answers["databricks_connectors"]]


def _connectors(environment: Environment, components: list[dict[str, Any]]) -> Iterator[Finding]:
    """One connector a function, with the identity of that function."""
    found = environment.of_type(CONNECTOR)
    faults = [] if len(found) == len(components) else [f"{len(found)}, there must be {len(components)}"]
    for name in (row["name"] for row in components):
        own = [item for item in found if belongs_to(item.name, name)]
        held = [identity_name(key) or "" for item in own for key in value_at(item.body, UNDER) or {}]
        right = len(held) == 1 and belongs_to(held[0], name)
        faults += [] if right else [f"give {name} a connector with its identity and no other"]
    yield verdict(f"{environment.name}: {CONNECTOR}", faults)
    for item in found:
        yield compare(environment, item, {"identity.type": "UserAssigned"})


def _storage(project: Project) -> Finding:
    """Unity Catalog knows a path by one credential: each container has one function, which may only read some."""
    path = "ml/storage.json"
    written = json.loads(text_of(project.root / path) or "{}").get("environments", {})
    faults = []
    for name in project.answers["environments"]:
        rows = _on_databricks(project.answers, name)
        wanted = [(item, row["name"], True) for row in rows for item in row["reads"]]
        wanted += [(item, row["name"], False) for row in rows for item in row["writes"]]
        found = [(row["container"], row["component"], row["read_only"]) for row in written.get(name, [])]
        faults += [] if sorted(found) == sorted(wanted) else [f"give {name} the containers that its functions reach"]
        if len({item for item, _, _ in found}) < len(found):
            faults.append(f"{name}: a container belongs to one function")
    return verdict(path, faults)


def _workspaces(environment: Environment, private: bool) -> Iterator[Finding]:
    wanted = {"sku.name": "premium", "properties.parameters.enableNoPublicIp.value": True}
    if private:
        wanted |= {
            "properties.publicNetworkAccess": "Disabled",
            "properties.requiredNsgRules": "NoAzureDatabricksRules",
        }
    for item in environment.of_type(DATABRICKS):
        network = value_at(item.body, "properties.parameters.customVirtualNetworkId.value")
        outside = ["join the network of the platform"] if private and not network else []
        yield compare(environment, item, wanted, outside)


def _lake(project: Project) -> Iterator[Finding]:
    """Unity Catalog reads storage with a hierarchical namespace only, and such storage keeps no versions."""
    for environment, container in located(project, CONTAINER):
        account = container.id.rpartition("/blobServices/")[0]
        if container.name.endswith("/data"):
            for item in environment.of_type(STORAGE):
                if same(item.id, account):
                    yield compare(environment, item, {"properties.isHnsEnabled": True})


def _cluster_policy(project: Project) -> Iterator[Finding]:
    path = "ml/exploration/cluster-policy.json"
    rules = json.loads(text_of(project.root / path) or "{}").get("definition", {})
    idle = rules.get("autotermination_minutes", {})
    limit = idle.get("maxValue", idle.get("value"))
    faults = [] if limit and limit <= LONGEST_IDLE_MINUTES else [f"stop clusters within {LONGEST_IDLE_MINUTES} minutes"]
    sizes = decision_table("machine-sizes")["databricks_exploration"]
    allowed = [sizes["cpu"], *([sizes["gpu"]] if project.answers["eda_gpu"] else [])]
    for attribute in ("node_type_id", "driver_node_type_id"):
        if rules.get(attribute, {}).get("type") != "allowlist" or rules[attribute]["values"] != allowed:
            faults.append(f"let {attribute} be one of {', '.join(allowed)}")
    if rules.get("data_security_mode") != {"type": "fixed", "value": "SINGLE_USER"}:
        faults.append("fix data_security_mode to SINGLE_USER, a cluster has one person")
    yield verdict(path, faults)
    script = text_of(project.root / "scripts/databricks_exploration.py")
    faults = [] if "cluster-policy.json" in script and "CAN_USE" in script else ["set the policy, and who uses it"]
    yield verdict("scripts/databricks_exploration.py", faults)


def _experiment(project: Project) -> Iterator[Finding]:
    """Where clusters track, by their policy, is an experiment that the bundle makes in dev, and nowhere else."""
    bundle = yaml_text.parse(text_of(project.root / "ml/databricks.yml")) or {}
    targets: Mapping[str, Any] = bundle.get("targets") or {}
    made = {
        name: [row.get("name") for row in (value_at(target, "resources.experiments") or {}).values()]
        for name, target in targets.items()
    }
    rules = json.loads(text_of(project.root / "ml/exploration/cluster-policy.json") or "{}").get("definition", {})
    tracked = rules.get("spark_env_vars.MLFLOW_EXPERIMENT_NAME", {}).get("value")
    faults = [] if tracked and made.get("dev") == [tracked] else ["make the experiment of the cluster policy in dev"]
    faults += [f"explore in dev only, not in {name}" for name, rows in made.items() if rows and name != "dev"]
    yield verdict("ml/databricks.yml", faults)


@check("EDA-08")
def fresh_and_undeployed(project: Project) -> Iterator[Finding]:
    """EDA-08: a schedule looks for compute instances older than 30 days; no notebook lies where jobs are taken from.

    Source: https://learn.microsoft.com/azure/machine-learning/concept-vulnerability-management
    """
    github, folder = on_github(project), pipelines(project)
    if project.answers["aml_exploration"]:
        path = f"{folder}/old-instances.yml"
        yield verdict(path, _search_faults(text_of(project.root / path), github))
        script = text_of(project.root / "scripts/old_instances.py")
        age = re.search(r'"--days", type=int, default=(\d+)', script)
        faults = [] if age and int(age[1]) <= OLD_DAYS else [f"name instances after {OLD_DAYS} days at the latest"]
        faults += [] if "return 1 if due" in script else ["fail when one is due, so that somebody is told"]
        yield verdict("scripts/old_instances.py", faults)
    rule = "tests/scripts/test_notebooks.py"
    yield verdict(rule, [] if "*.ipynb" in text_of(project.root / rule) else ["test where notebooks lie"])
    path = f"{folder}/{'_validate' if github else 'templates/validate'}.yml"
    yield verdict(path, [] if "pytest --quiet tests/scripts" in text_of(project.root / path) else ["run tests/scripts"])
    for path, taken in _deployed(project.root):
        found = sorted(str(item.relative_to(project.root)) for item in taken.rglob("*.ipynb"))
        yield verdict(path, [f"it deploys {', '.join(found)}, keep notebooks out"] if found else [])
    yield _bundle_leaves_notebooks(project.root)


def _search_faults(text: str, github: bool) -> Iterator[str]:
    """What is wrong with the pipeline that looks for old instances; GitHub writes its schedule below the word `on`."""
    data: Mapping[Any, Any] = yaml_text.parse(text) or {}
    rows = (data.get(True) or {}).get("schedule") if github else data.get("schedules")
    if not rows or not all(row.get("cron") for row in rows):
        yield "run it on a schedule"
    if not github and not all(row.get("always") for row in rows or []):
        yield "run it without a change too, set always"
    command = re.search(r"old_instances\.py [^\n]*--environment=dev", text)
    if not command or re.search(r"--days=(\d+)", text):
        yield f"look at dev for instances older than {OLD_DAYS} days"


def _deployed(root: Path) -> Iterator[tuple[str, Path]]:
    """Each file of Azure Machine Learning that takes code along -> the folder that it takes."""
    for path in sorted((root / "ml").rglob("*.yml")):
        for code in re.findall(r"^\s*code:\s*[\"']?([./][^\s\"']*)", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield str(path.relative_to(root)), (path.parent / code).resolve()


def _bundle_leaves_notebooks(root: Path) -> Finding:
    bundle = root / "ml" / "databricks.yml"
    excluded = value_at(yaml_text.parse(text_of(bundle)) or {}, "sync.exclude") or []
    faults = ["exclude exploration/** from sync"] if bundle.is_file() and "exploration/**" not in excluded else []
    return verdict("ml/databricks.yml" if bundle.is_file() else "ml", faults)
