"""What can go wrong with the inferencing rows (INF), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, drop, edit, put
from tests.mutations.common import CHAT, CLUSTER, DEFAULT, DEPLOYMENT, KUBERNETES

ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BACKEND = "Microsoft.ApiManagement/service/backends"
FILE = "ml/models/example/deployment.yml"

MUTATIONS: list[Mutation] = [
    ("INF-02", DEFAULT, "traffic", put("prod", ENDPOINT, "properties.traffic", {"blue": 100}), "remove traffic"),
    ("INF-02", DEFAULT, "by key", put("prod", ENDPOINT, "properties.authMode", "Key"), "authMode"),
    ("INF-02", DEFAULT, "no endpoint", drop("prod", ENDPOINT), "deploy the endpoint"),
    ("INF-04", DEFAULT, "no probe", edit(FILE, "liveness_probe:", "startup:"), "liveness_probe"),
    ("INF-04", DEFAULT, "slower promise", answer(latency_p95_ms=60000), "request_timeout_ms"),
    ("INF-05", DEFAULT, "no number", edit(FILE, "versions/1", "labels/latest"), "version number"),
    ("INF-05", DEFAULT, "no tag", edit(FILE, "  deployed_by:", "  by:"), "deployed_by"),
    ("INF-06", DEFAULT, "restricted data", answer(data_classification="restricted"), "collect nothing"),
    ("INF-07", DEFAULT, "upgrades", put("prod", DEPLOYMENT, "properties.versionUpgradeOption", "x"), "NoAutoUpgrade"),
    ("INF-07", DEFAULT, "any version", put("prod", DEPLOYMENT, "properties.model.version", None), "model.version"),
    ("INF-07", DEFAULT, "missing", drop("prod", DEPLOYMENT), "where the answers ask for"),
    (
        "INF-08",
        CHAT,
        "two ways",
        put("prod", DEPLOYMENT, "properties.spilloverDeploymentName", "x", "-provisioned/"),
        "one way",
    ),
    ("INF-08", CHAT, "no pool", drop("prod", BACKEND, "/chat"), "one way"),
    ("INF-09", CHAT, "one left out", put("prod", BACKEND, "properties.pool.services", [], "/chat"), "put exactly"),
    ("INF-10", KUBERNETES, "local accounts", put("prod", CLUSTER, "properties.disableLocalAccounts", False), "disable"),
    (
        "INF-10",
        KUBERNETES,
        "untainted",
        put("prod", CLUSTER, "properties.agentPoolProfiles.0.nodeTaints", []),
        "CriticalAddonsOnly",
    ),
    ("INF-10", KUBERNETES, "none", drop("prod", CLUSTER), "deploy one cluster"),
]

FILE_ROWS: set[str] = {"INF-04", "INF-05", "INF-06"}
