"""What can go wrong with the reliability rows (REL), and what the detail of the check must say."""

from tests.checks_support import Addition, Mutation, add, answer, drop, edit, put, remove
from tests.mutations.common import (
    ACCOUNT,
    ADDRESS,
    APIM,
    APPS,
    CLUSTER,
    DEFAULT,
    ONLINE_ENDPOINT,
    REGISTRY,
    REGULATED,
    REPLICA,
    SEARCH,
    STORAGE,
    TRAINING,
    WORKSPACE,
)

BACKEND = f"{APIM}/backends"
OWN_MODELS = "gateway/policies/models.xml"
MODELS = "Microsoft.MachineLearningServices/registries"
MOVE = "docs/runbooks/region-loss.md"


def shorter(environment, resource_type, path, name=""):
    """Take the last one from a list (dotted path) of the first resource of a type."""

    def change(draft):
        target = draft.first(environment, resource_type, name)
        for part in path.split("."):
            target = target[part]
        target.pop()

    return change


# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    (
        "REL-01",
        DEFAULT,
        "one datacentre in prod",
        put("prod", STORAGE, "sku.name", "Standard_LRS"),
        "storageAccounts st",
    ),
    ("REL-01", DEFAULT, "zones outside prod", put("test", STORAGE, "sku.name", "Standard_ZRS"), "do not spread"),
    (
        "REL-01",
        DEFAULT,
        "registry in one datacentre",
        put("prod", REGISTRY, "properties.zoneRedundancy", "Disabled"),
        "registries cr",
    ),
    ("REL-01", DEFAULT, "address in one datacentre", put("prod", ADDRESS, "zones", []), "publicIPAddresses pip-"),
    ("REL-01", REGULATED, "not geo-redundant", put("prod", STORAGE, "sku.name", "Standard_ZRS"), "geo-redundant"),
    (
        "REL-01",
        DEFAULT,
        "geo-redundant unasked",
        put("prod", STORAGE, "sku.name", "Standard_GZRS"),
        "not be geo-redundant",
    ),
    (
        "REL-01",
        REGULATED,
        "no replica",
        drop("prod", REPLICA),
        "prod: Microsoft.ContainerRegistry/registries/replications",
    ),
    (
        "REL-01",
        DEFAULT,
        "too few search replicas",
        add("prod", SEARCH, "srch-1", properties={"replicaCount": 1}),
        "replicaCount",
    ),
    (
        "REL-01",
        DEFAULT,
        "a cluster in one zone",
        add("prod", CLUSTER, "aks-1", properties={"agentPoolProfiles": [{"availabilityZones": ["1"]}]}),
        "managedClusters aks-1",
    ),
    ("REL-01", DEFAULT, "a gateway in one zone", add("prod", APIM, "apim-1", properties={}), "service apim-1"),
    (
        "REL-01",
        DEFAULT,
        "container apps in one zone",
        add("prod", APPS, "cae-1", properties={}),
        "managedEnvironments cae-1",
    ),
    ("REL-02", REGULATED, "models in one region", drop("prod", ACCOUNT, "-secondary"), "there is none in"),
    ("REL-02", REGULATED, "endpoint in one region", drop("prod", ONLINE_ENDPOINT, "inference-2"), "there is none in"),
    (
        "REL-02",
        REGULATED,
        "gateway in one region",
        put("prod", APIM, "properties.additionalLocations", []),
        "second region",
    ),
    (
        "REL-02",
        REGULATED,
        "pool in one region",
        shorter("prod", BACKEND, "properties.pool.services", "/backends/chat"),
        "no member of it is in",
    ),
    ("REL-02", REGULATED, "no pool", drop("prod", BACKEND, "own-models-regions"), "0 pools of own models"),
    (
        "REL-02",
        REGULATED,
        "second only when the first is lost",
        put("prod", BACKEND, "properties.pool.services.1.priority", 2, "own-models-regions"),
        "as equals",
    ),
    (
        "REL-02",
        REGULATED,
        "other region never asked",
        edit(OWN_MODELS, 'count="1"', 'count="0"'),
        "ask the other region",
    ),
    (
        "REL-02",
        REGULATED,
        "models in one place",
        shorter("dev", MODELS, "properties.regionDetails"),
        "add it to regionDetails",
    ),
    (
        "REL-02",
        REGULATED,
        "limits look shared",
        edit("docs/decisions/gateway.md", "Each region counts for itself", "Limits hold"),
        "counts tokens for itself",
    ),
    ("REL-03", DEFAULT, "no runbook", remove(MOVE), "tell how the project moves"),
    ("REL-03", DEFAULT, "no workspace", drop("prod", WORKSPACE), "deploy what is missing"),
    (
        "REL-03",
        REGULATED,
        "to another region",
        edit(MOVE, "location=germanywestcentral", "location=francecentral"),
        "moves to germanywestcentral",
    ),
    (
        "REL-03",
        REGULATED,
        "data stays behind",
        edit(MOVE, "az storage account failover", "az storage account show"),
        "becomes the original",
    ),
    ("REL-03", DEFAULT, "data has no copy", edit(MOVE, "azcopy sync", "azcopy list"), "copied elsewhere"),
    (
        "REL-03",
        REGULATED,
        "models stay behind",
        edit(MOVE, "existing_ml_registry_id=", "registry="),
        "registry of models along",
    ),
    (
        "REL-03",
        REGULATED,
        "models in one region",
        put("dev", MODELS, "properties.regionDetails.1", {"location": "swedencentral"}),
        "copy it to germanywestcentral",
    ),
    (
        "REL-03",
        DEFAULT,
        "models in a region unasked",
        put("dev", MODELS, "properties.regionDetails.0.location", "germanywestcentral"),
        "list its own region first",
    ),
    ("REL-03", REGULATED, "one region asked for", answer(two_regions=False), "no other region"),
    (
        "REL-03",
        REGULATED,
        "redundant in its region only",
        put("prod", STORAGE, "sku.name", "Standard_ZRS"),
        "reach another region",
    ),
    (
        "REL-03",
        REGULATED,
        "a deadline, and no quota elsewhere",
        answer(training_deadline_hours=8),
        "quota of training in germanywestcentral",
    ),
    (
        "REL-03",
        TRAINING,
        "a deadline, and quota elsewhere in vain",
        edit("scripts/preflight.json", '"pools": "trainingClusters"', '"region": "x", "pools": "trainingClusters"'),
        "in the first region only",
    ),
]

# What is right and must stay green: requirement, variant, how.
ADDITIONS: list[Addition] = [
    ("REL-01", add("prod", SEARCH, "srch-1", properties={"replicaCount": 3})),
    ("REL-01", add("prod", APIM, "apim-1", properties={"zoneRedundant": True})),
    ("REL-01", add("dev", APIM, "apim-1", properties={})),
]
