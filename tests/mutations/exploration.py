"""What can go wrong with the exploration rows (EDA), and what the detail of the check must say."""

from tests.checks_support import Mutation, add, answer, both, drop, edit, put, remove, write
from tests.mutations.common import (
    COMPUTE,
    CONTRIBUTOR,
    DATABRICKS,
    DEFAULT,
    DIAGNOSTICS,
    IDENTITY,
    NEW_DATABRICKS,
    ROLE,
    STORAGE,
)

CONNECTOR = "Microsoft.Databricks/accessConnectors"
WORKSPACE_OF_SPARK = "Microsoft.Databricks/workspaces"
SHARE = "Microsoft.Storage/storageAccounts/fileServices/shares"


POLICY = "ml/exploration/cluster-policy.json"
BUNDLE = "ml/databricks.yml"
STORED = "ml/storage.json"
SEARCH = ".github/workflows/old-instances.yml"


def writes_data(who):
    """Let an identity, or the group of the data scientists, write the container data."""

    def change(draft):
        holder = draft.answers["data_scientists_group_id"] if who == "group" else who
        body = next(
            item
            for item in draft.of_type("dev", ROLE)
            if "/containers/data/" in item["id"] and holder in str(item["properties"]["principalId"])
        )
        body["properties"]["roleDefinitionId"] = f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"

    return change


def unreadable(draft):
    """Take the container data from the group of the data scientists."""
    group = draft.answers["data_scientists_group_id"]
    draft.environments["dev"] = [
        item
        for item in draft.environments["dev"]
        if not (item["type"] == ROLE and "/containers/data/" in item["id"] and group in str(item["properties"]))
    ]


def silent(group, service):
    """Switch the logs of a service of storage off."""

    def change(draft):
        body = next(
            item
            for item in draft.of_type("dev", DIAGNOSTICS)
            if f"-{group}/" in item["id"] and f"/{service}/" in item["id"]
        )
        body["properties"]["logs"] = [{"categoryGroup": "allLogs", "enabled": False}]

    return change


def with_identity(draft):
    """Give a compute instance an identity."""
    machine = next(item for item in draft.of_type("dev", COMPUTE) if "/ci-" in item["id"])
    name = draft.first("dev", IDENTITY)["id"]
    machine["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {name: {}}}


def misnamed(draft):
    """Give a compute instance a name that the platform refuses."""
    machine = next(item for item in draft.of_type("dev", COMPUTE) if "/ci-" in item["id"])
    machine["id"] = f"{machine['id'].rpartition('/')[0]}/ci-01"
    machine["name"] = "ci-01"


OPEN_PORT = "properties.properties.sshSettings.sshPublicAccess"
NOTEBOOK = "ml/exploration/first_look.ipynb"
SCRIPT = "scripts/old_instances.py"
RULE = "tests/scripts/test_notebooks.py"

MUTATIONS: list[Mutation] = [
    ("EDA-01", DEFAULT, "a seat too few", answer(eda_seats=9), "where the answers ask for 9"),
    ("EDA-01", DEFAULT, "a GPU unasked", answer(eda_gpu=True), "vmSize is"),
    ("EDA-01", DEFAULT, "a refused name", misnamed, "a letter after each hyphen"),
    ("EDA-01", DEFAULT, "a port for shells", put("dev", COMPUTE, OPEN_PORT, "Enabled", "/ci-"), "sshPublicAccess"),
    ("EDA-02", DEFAULT, "an identity", with_identity, "does not stop when idle"),
    ("EDA-02", DEFAULT, "another idle time", answer(eda_idle_minutes=99), "idleTimeBeforeShutdown"),
    ("EDA-02", DEFAULT, "another end of the day", answer(eda_stop="20:30"), "Stop entry"),
    ("EDA-02", DEFAULT, "another time zone", answer(eda_time_zone="Tokyo Standard Time"), "Start entry"),
    (
        "EDA-02",
        DEFAULT,
        "on weekends too",
        put(
            "dev",
            COMPUTE,
            "properties.properties.schedules.computeStartStop.0.cron.expression",
            "0 7 * * *",
            "/ci-",
        ),
        "on working days",
    ),
    ("EDA-03", DEFAULT, "no share", drop("dev", SHARE), "deploy a share"),
    ("EDA-03", DEFAULT, "no quota", put("dev", SHARE, "properties.shareQuota", None), "shareQuota"),
    ("EDA-03", DEFAULT, "unlogged", silent("exploration", "fileServices"), "log who reads"),
    (
        "EDA-03",
        DEFAULT,
        "no intent",
        edit("ml/exploration/storage.py", ', token_intent="backup"', ""),
        "present a token",
    ),
    (
        "EDA-03",
        DEFAULT,
        "another share",
        edit("ml/exploration/storage.py", '"team"', '"theirs"'),
        "name the share",
    ),
    ("EDA-03", DEFAULT, "untold", write("ml/exploration/README.md", "# Exploration\n"), "tell how"),
    ("EDA-04", DEFAULT, "untracked notebook", edit(NOTEBOOK, "first_look.look(", "print("), "start a run"),
    (
        "EDA-04",
        DATABRICKS,
        "of the other platform",
        edit("ml/exploration/requirements.txt", "alembic==", "azureml-mlflow==1.62.0\nalembic=="),
        "leave azureml-mlflow out",
    ),
    ("EDA-04", DEFAULT, "untracked", edit("ml/exploration/first_look.py", "mlflow.start_run", "print"), "start_run"),
    ("EDA-04", DEFAULT, "unpinned", remove("ml/exploration/requirements.txt"), "pin mlflow"),
    (
        "EDA-05",
        DEFAULT,
        "no workspace",
        drop("dev", "Microsoft.MachineLearningServices/workspaces", "-exploration"),
        "there must be 1",
    ),
    ("EDA-06", DEFAULT, "unreadable", unreadable, "let who explores read it"),
    ("EDA-06", DEFAULT, "writes", writes_data("group"), "from who explores"),
    ("EDA-06", NEW_DATABRICKS, "writes by connector", writes_data("dev-training"), "from who explores"),
    (
        "EDA-06",
        DATABRICKS,
        "granted",
        edit("scripts/databricks_exploration.py", '"data": ["READ_FILES"]', '"data": ["READ_FILES", "WRITE_FILES"]'),
        "read data and nothing else",
    ),
    ("EDA-06", DEFAULT, "no trace", silent("platform", "blobServices"), "log the reads"),
    (
        "EDA-06",
        DEFAULT,
        "by key",
        put("dev", STORAGE, "properties.allowSharedKeyAccess", True, "-platform/"),
        "switch shared keys",
    ),
    ("EDA-07", NEW_DATABRICKS, "standard", put("dev", WORKSPACE_OF_SPARK, "sku.name", "standard"), "sku.name"),
    ("EDA-07", NEW_DATABRICKS, "no connector", drop("dev", CONNECTOR), "2, there must be 3"),
    ("EDA-07", NEW_DATABRICKS, "no identity", put("dev", CONNECTOR, "identity.type", "None"), "identity.type"),
    (
        "EDA-07",
        NEW_DATABRICKS,
        "public addresses",
        put("dev", WORKSPACE_OF_SPARK, "properties.parameters.enableNoPublicIp.value", False),
        "enableNoPublicIp",
    ),
    (
        "EDA-07",
        NEW_DATABRICKS,
        "outside the network",
        put("dev", WORKSPACE_OF_SPARK, "properties.parameters.customVirtualNetworkId", None),
        "join the network",
    ),
    (
        "EDA-07",
        NEW_DATABRICKS,
        "a compute instance besides",
        add("dev", COMPUTE, "mlw/ci-1", properties={"computeType": "ComputeInstance"}),
        "people explore on Databricks",
    ),
    ("EDA-07", DATABRICKS, "no workspace", answer(databricks_environments=["dev"]), "there must be 1"),
    ("EDA-07", DATABRICKS, "no connector of its own", drop("dev", CONNECTOR, "-training"), "give training a connector"),
    ("EDA-07", DATABRICKS, "none in prod", drop("prod", CONNECTOR), "give batch a connector"),
    (
        "EDA-07",
        DATABRICKS,
        "a connector without identity",
        put("dev", CONNECTOR, "identity.userAssignedIdentities", {}, "-training"),
        "give training a connector",
    ),
    (
        "EDA-07",
        DATABRICKS,
        "somebody else's container",
        edit(STORED, '"data", "component": "training"', '"data", "component": "batch"'),
        "the containers that its functions reach",
    ),
    ("EDA-07", DATABRICKS, "a container of two", edit(STORED, '"batch-input"', '"data"'), "belongs to one function"),
    ("EDA-07", NEW_DATABRICKS, "data to write", edit(STORED, "true", "false"), "give dev the containers"),
    (
        "EDA-07",
        NEW_DATABRICKS,
        "flat storage",
        put("dev", STORAGE, "properties.isHnsEnabled", False, "-platform/"),
        "isHnsEnabled",
    ),
    ("EDA-07", DATABRICKS, "no policy", remove(POLICY), "stop clusters within 60"),
    ("EDA-07", DATABRICKS, "long idle", edit(POLICY, '"maxValue": 60', '"maxValue": 600'), "stop clusters within 60"),
    ("EDA-07", DATABRICKS, "a GPU unasked", answer(eda_gpu=True), "let node_type_id be one of"),
    ("EDA-07", DATABRICKS, "shared clusters", edit(POLICY, "SINGLE_USER", "USER_ISOLATION"), "one person"),
    ("EDA-07", DATABRICKS, "never set", remove("scripts/databricks_exploration.py"), "set the policy"),
    (
        "EDA-07",
        DATABRICKS,
        "another experiment",
        edit(BUNDLE, "/Shared/lakehouse/exploration", "/Shared/lakehouse/else"),
        "make the experiment",
    ),
    ("EDA-08", DEFAULT, "no search", remove(SEARCH), "run it on a schedule"),
    (
        "EDA-08",
        DEFAULT,
        "without a change only",
        both(
            answer(ci_platform="azure_devops"),
            write(".azuredevops/old-instances.yml", 'schedules:\n  - cron: "0 6 * * 1"\n'),
        ),
        "set always",
    ),
    ("EDA-08", DEFAULT, "by hand", edit(SEARCH, "  schedule:", "  repository_dispatch:"), "run it on a schedule"),
    ("EDA-08", DEFAULT, "older", edit(SEARCH, "--environment=dev", "--environment=dev --days=90"), "older than 30"),
    ("EDA-08", DEFAULT, "older by default", edit(SCRIPT, "default=30", "default=60"), "after 30 days"),
    ("EDA-08", DEFAULT, "nobody is told", edit(SCRIPT, "return 1 if due else 0", "return 0"), "somebody is told"),
    ("EDA-08", DEFAULT, "no rule", remove(RULE), "test where notebooks lie"),
    (
        "EDA-08",
        DEFAULT,
        "rule not run",
        edit(".github/workflows/_validate.yml", "pytest --quiet tests/scripts", "pytest --version"),
        "run tests/scripts",
    ),
    ("EDA-08", DEFAULT, "a notebook in a job", write("ml/src/example_model/look.ipynb", "{}"), "keep notebooks out"),
    ("EDA-08", DATABRICKS, "notebooks in the bundle", edit(BUNDLE, "- exploration/**", "- other/**"), "exclude"),
]

FILE_ROWS: set[str] = {"EDA-04", "EDA-08"}
