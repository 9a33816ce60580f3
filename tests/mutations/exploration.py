"""What can go wrong with the exploration rows (EDA), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, drop, edit, put, remove
from tests.mutations.common import CONTRIBUTOR, DATABRICKS, DEFAULT, DIAGNOSTICS, NEW_DATABRICKS, ROLE, STORAGE

CONNECTOR = "Microsoft.Databricks/accessConnectors"
WORKSPACE_OF_SPARK = "Microsoft.Databricks/workspaces"
SHARE = "Microsoft.Storage/storageAccounts/fileServices/shares"


def writes_data(draft):
    """Let the identity of exploration write the container data."""
    body = next(
        item
        for item in draft.of_type("dev", ROLE)
        if "/containers/data/" in item["id"] and "dev-exploration" in str(item["properties"]["principalId"])
    )
    body["properties"]["roleDefinitionId"] = f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"


def silent(draft):
    """Switch the logs of the data off."""
    body = next(
        item
        for item in draft.of_type("dev", DIAGNOSTICS)
        if "-platform/" in item["id"] and "/blobServices/" in item["id"]
    )
    body["properties"]["logs"] = [{"categoryGroup": "allLogs", "enabled": False}]


MUTATIONS: list[Mutation] = [
    ("EDA-01", DEFAULT, "a seat too few", answer(eda_seats=9), "where the answers ask for 9"),
    ("EDA-01", DEFAULT, "a GPU unasked", answer(eda_gpu=True), "vmSize is"),
    ("EDA-02", DEFAULT, "another idle time", answer(eda_idle_minutes=99), "idleTimeBeforeShutdown"),
    ("EDA-02", DEFAULT, "another end of the day", answer(eda_stop="20:30"), "Stop entry"),
    ("EDA-02", DEFAULT, "another time zone", answer(eda_time_zone="Tokyo Standard Time"), "Start entry"),
    ("EDA-03", DEFAULT, "no share", drop("dev", SHARE), "deploy a share"),
    ("EDA-03", DEFAULT, "no quota", put("dev", SHARE, "properties.shareQuota", None), "shareQuota"),
    ("EDA-04", DEFAULT, "untracked", edit("ml/exploration/first_look.py", "mlflow.start_run", "print"), "start_run"),
    ("EDA-04", DEFAULT, "unpinned", remove("ml/exploration/requirements.txt"), "pin mlflow"),
    (
        "EDA-05",
        DEFAULT,
        "no workspace",
        drop("dev", "Microsoft.MachineLearningServices/workspaces", "-exploration"),
        "there must be 1",
    ),
    ("EDA-06", DEFAULT, "writes", writes_data, "from who explores"),
    ("EDA-06", DEFAULT, "no trace", silent, "log the reads"),
    (
        "EDA-06",
        DEFAULT,
        "by key",
        put("dev", STORAGE, "properties.allowSharedKeyAccess", True, "-platform/"),
        "switch shared keys",
    ),
    ("EDA-07", NEW_DATABRICKS, "standard", put("dev", WORKSPACE_OF_SPARK, "sku.name", "standard"), "sku.name"),
    ("EDA-07", NEW_DATABRICKS, "no connector", drop("dev", CONNECTOR), "0, there must be 1"),
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
    ("EDA-07", DATABRICKS, "no workspace", answer(databricks_environments=["dev"]), "there must be 1"),
]

# What the check finds not to apply, beyond the catalogue.
ABSENT = {"all-reused": {"EDA-07"}, DATABRICKS: {"EDA-07"}}

FILE_ROWS: set[str] = {"EDA-04"}
