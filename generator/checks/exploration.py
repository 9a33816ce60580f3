"""Exploration (EDA rows): machines and workspaces of data scientists, as evaluated."""

import ast
import re
from collections.abc import Iterator

from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import presence
from generator.checks.reading import compare, decision_table, label, located, same, value_at, verdict
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
            yield compare(environment, item, {**PERSONAL, "properties.properties.vmSize": size})


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
        rows = {row["action"]: row for row in value_at(settings, "schedules.computeStartStop") or []}
        for action, time in (("Start", answers["eda_start"]), ("Stop", answers["eda_stop"])):
            faults += _schedule_faults(rows.get(action, {}), action, time, answers["eda_time_zone"])
        yield verdict(label(environment, item), faults, str(item))


def _schedule_faults(row: dict, action: str, time: str, zone: str) -> list[str]:  # type: ignore[type-arg]
    hour, minute = time.split(":")
    parts = str(value_at(row, "cron.expression") or "").split()
    right = parts[:2] == [str(int(minute)), str(int(hour))] and len(parts) == 5 and row.get("status") == "Enabled"
    right = right and row.get("triggerType") == "Cron" and value_at(row, "cron.timeZone") == zone
    return [] if right else [f"let the {action} entry run at {time} in time zone {zone}"]


@check("EDA-03")
def team_share(project: Project) -> Iterator[Finding]:
    """EDA-03: a file share with a quota, which the group of the data scientists reaches by identity.

    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
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
        targets = {
            str(conn["properties"]["privateLinkServiceId"]).lower()
            for item in environment.of_type("Microsoft.Network/privateEndpoints")
            for conn in item.properties["privateLinkServiceConnections"]
            if "file" in conn["properties"]["groupIds"]
        }
        faults += ["add a private endpoint for file"] if project.answers["private"] and account not in targets else []
        yield verdict(label(environment, share), faults, str(share))


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
    lock = project.root / "ml/exploration/requirements.txt"
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    pins = set(re.findall(r"^([\w.-]+)==[\w.]+", text, re.MULTILINE))
    needed = {"mlflow", "azureml-mlflow"} if project.answers["aml_exploration"] else {"mlflow"}
    missing = sorted(name for name in needed if not pins & {name, f"{name}-skinny"})
    yield verdict("ml/exploration/requirements.txt", [f"pin {name}" for name in missing])


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
    """EDA-06: who explores reads the container data and writes nothing to it, and every read leaves a trace.

    Looks at the roles of the identity of exploration and of the data scientists' group on data and on whatever holds it
    (account, resource group, subscription), at shared keys and at the logs of each account that holds the container.
    Source: https://learn.microsoft.com/azure/well-architected/ai/data-platform
    """
    writers = {row["id"] for name, row in decision_table("roles").items() if name in DATA_WRITERS}
    found = [pair for pair in located(project, CONTAINER) if pair[1].name.endswith("/data")]
    yield verdict("container data", [] if found else ["deploy it, exploration reads it"])
    group = project.answers["data_scientists_group_id"].lower()
    for environment, container in found:
        above = [item for item in environment.of_type(ROLE) if _covers(str(item.scope), container.id)]
        held = [item for item in above if principal(item) == group or belongs_to(principal(item), "exploration")]
        faults = [f"take the role {item} from who explores" for item in sorted({role_id(i) for i in held} & writers)]
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
    """EDA-07: a new Databricks workspace is premium, without public addresses, and its connector has an identity.

    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-databricks
    """
    private, asked = project.answers["private"], project.answers["databricks_environments"]
    if project.environments and not asked and not list(located(project, DATABRICKS)):
        raise DoesNotApply("The workspace exists already: how it is set up is its owner's to decide.")
    wanted = {"sku.name": "premium", "properties.parameters.enableNoPublicIp.value": True}
    if private:
        wanted |= {
            "properties.publicNetworkAccess": "Disabled",
            "properties.requiredNsgRules": "NoAzureDatabricksRules",
        }
    for environment in project.environments.values():
        due = 1 if environment.name in asked else 0
        for kind in (DATABRICKS, CONNECTOR):
            count = len(environment.of_type(kind))
            yield verdict(f"{environment.name}: {kind}", [] if count == due else [f"{count}, there must be {due}"])
        for item in environment.of_type(DATABRICKS):
            network = value_at(item.body, "properties.parameters.customVirtualNetworkId.value")
            yield compare(
                environment, item, wanted, ["join the network of the platform"] if private and not network else []
            )
        for item in environment.of_type(CONNECTOR):
            yield compare(environment, item, {"identity.type": "UserAssigned"})
