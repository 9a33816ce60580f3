"""What can go wrong with the general rows (GEN), and what the detail of the check must say."""

from tests.checks_support import Addition, Mutation, add, answer, both, drop, edit, put, remove, write
from tests.mutations.common import (
    ACCOUNT,
    APIM,
    CHAT,
    CLUSTER,
    COMPUTE,
    DEFAULT,
    DEPLOYMENT,
    INSIGHTS,
    KUBERNETES,
    LOGS,
    PROTOTYPE,
    REGISTRY,
    REGULATED,
    REUSED,
    SEARCH,
    SECURITY_GROUP,
    STORAGE,
    TUNING,
    VAULT,
    WORKSPACE,
    rename,
)

GOOD_COMPUTE = {
    "computeType": "AmlCompute",
    "properties": {"enableNodePublicIp": False, "remoteLoginPortPublicAccess": "Disabled"},
}


def idle_module(draft):
    draft.template["resources"]["extra"] = {
        "condition": "[parameters('extra')]",
        "type": "Microsoft.Resources/deployments",
    }
    for values in draft.parameters.values():
        values["extra"] = False


def long_deployment_name(draft):
    draft.template["resources"]["identities"]["name"] = f"[format('{'x' * 60}-{{0}}', parameters('workload'))]"


def large_template(draft):
    draft.template["padding"] = "x" * 1_000_000


def size_in_another_parameter(draft):
    draft.parameters["prod"]["extraSize"] = "Standard_E8s_v5"


def many_parameters(draft):
    draft.template["parameters"] = {f"p{number}": {"type": "string"} for number in range(40)}


FILE_ROWS = {"GEN-03", "GEN-08", "GEN-09", "GEN-13"}

# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    (
        "GEN-01",
        CHAT,
        "storage nobody asked for",
        add("prod", STORAGE, "stchat"),
        "Microsoft.Storage/storageAccounts stchat",
    ),
    ("GEN-01", CHAT, "a machine", add("prod", "Microsoft.Compute/virtualMachines", "vm-1"), "virtualMachines vm-1"),
    ("GEN-01", DEFAULT, "no key vault", drop("dev", VAULT), "dev: Microsoft.KeyVault/vaults"),
    ("GEN-01", DEFAULT, "no budget", drop("prod", "Microsoft.Consumption/budgets"), "Microsoft.Consumption/budgets"),
    (
        "GEN-01",
        DEFAULT,
        "an unused module",
        write("infra/modules/gpu/pool.bicep", "param a string"),
        "infra/modules/gpu/pool.bicep",
    ),
    ("GEN-01", DEFAULT, "an unused data file", write("infra/sizes.json", "{}"), "infra/sizes.json"),
    ("GEN-01", DEFAULT, "a module behind a constant false", idle_module, "parameter extra"),
    (
        "GEN-02",
        REUSED,
        "a second registry",
        add("dev", REGISTRY, "crnew"),
        "Microsoft.ContainerRegistry/registries crnew",
    ),
    (
        "GEN-02",
        REUSED,
        "a second workspace",
        add("dev", LOGS, "log-new"),
        "Microsoft.OperationalInsights/workspaces log-new",
    ),
    (
        "GEN-02",
        REUSED,
        "an id not passed",
        edit("infra/prod.bicepparam", "existingLogAnalyticsId = '/", "existingLogAnalyticsId = '/x/"),
        "infra/prod.bicepparam",
    ),
    (
        "GEN-02",
        REUSED,
        "the hub not passed",
        edit("infra/prod.bicepparam", "hubNetworkId = '/", "hubNetworkId = '/x/"),
        "existing_hub_network_id",
    ),
    (
        "GEN-02",
        REUSED,
        "not declared as existing",
        edit("infra/modules/reuse/log-analytics.bicep", " existing = {", " = {"),
        "infra: existing",
    ),
    (
        "GEN-03",
        DEFAULT,
        "no reason",
        edit("docs/decisions/network.md", "## Reason", "## Because"),
        "docs/decisions/network.md",
    ),
    (
        "GEN-03",
        DEFAULT,
        "an answer named nowhere",
        edit("docs/decisions/placement.md", "| `location` |", "| location |"),
        "docs/decisions: location",
    ),
    (
        "GEN-03",
        DEFAULT,
        "an answer named twice",
        edit("docs/decisions/scope.md", "| `workload` |", "| `location` | x | y |\n| `workload` |"),
        "docs/decisions: location",
    ),
    ("GEN-03", DEFAULT, "a record is gone", remove("docs/decisions/network.md"), "the overview lists it"),
    ("GEN-03", DEFAULT, "no overview", remove("docs/decisions/README.md"), "list the records"),
    ("GEN-03", DEFAULT, "a cluster without its reason", add("prod", CLUSTER, "aks-1"), "managedClusters aks-1"),
    ("GEN-04", DEFAULT, "another region", put("prod", VAULT, "location", "westus"), "Microsoft.KeyVault/vaults kv-"),
    ("GEN-04", REGULATED, "the second region in test", put("test", VAULT, "location", "germanywestcentral"), "kv-"),
    ("GEN-04", REGULATED, "an unresolved region", put("prod", VAULT, "location", "[resourceGroup().location]"), "kv-"),
    (
        "GEN-05",
        CHAT,
        "a wider deployment type",
        both(answer(data_residency="region"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "GlobalStandard"})),
        "deployments ai/gpt",
    ),
    (
        "GEN-05",
        CHAT,
        "a data zone for a region",
        both(answer(data_residency="region"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "DataZoneStandard"})),
        "DataZoneStandard",
    ),
    (
        "GEN-05",
        CHAT,
        "global for a data zone",
        both(answer(data_residency="data_zone"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "GlobalBatch"})),
        "deployments ai/gpt",
    ),
    ("GEN-08", DEFAULT, "retired serving software", write("ml/serve.py", "import torchserve\n"), "ml/serve.py"),
    (
        "GEN-08",
        DEFAULT,
        "a retiring machine",
        edit("infra/prod.bicepparam", "using 'main.bicep'", "using 'main.bicep'\n// Standard_DS3_v2"),
        "infra/prod.bicepparam",
    ),
    ("GEN-09", DEFAULT, "another version", put("prod", VAULT, "apiVersion", "2022-07-01"), "Microsoft.KeyVault/vaults"),
    (
        "GEN-09",
        DEFAULT,
        "a preview",
        edit("infra/modules/platform/key-vault.bicep", "vaults@2026-02-01", "vaults@2026-03-01-preview"),
        "2026-03-01-preview",
    ),
    (
        "GEN-09",
        DEFAULT,
        "a type without a row",
        add("prod", "Microsoft.Compute/disks", "disk-1"),
        "Microsoft.Compute/disks",
    ),
    ("GEN-10", DEFAULT, "a vault name too long", rename("prod", VAULT, "kv-" + "a" * 22), "25 characters"),
    (
        "GEN-10",
        DEFAULT,
        "a storage name with a hyphen",
        rename("prod", STORAGE, "st-vision"),
        "Microsoft.Storage/storageAccounts st-vision",
    ),
    (
        "GEN-10",
        PROTOTYPE,
        "too long for the longest workload",
        both(answer(workload="ab"), rename("dev", VAULT, "kv-ab-dev-abcdefghijkl")),
        "longest workload",
    ),
    ("GEN-10", DEFAULT, "a deployment name too long", long_deployment_name, "identities: deployment name"),
    ("GEN-10", DEFAULT, "a large template", large_template, "main.json: size"),
    ("GEN-10", DEFAULT, "many parameters", many_parameters, "main.json: parameters"),
    (
        "GEN-10",
        DEFAULT,
        "a long module",
        write("infra/modules/platform/long.bicep", "// x\n" * 300),
        "infra/modules/platform/long.bicep",
    ),
    ("GEN-10", DEFAULT, "a folder without a README", write("infra/modules/gpu/pool.bicep", ""), "infra/modules/gpu"),
    (
        "GEN-10",
        DEFAULT,
        "a lenient linter",
        edit(
            "infra/bicepconfig.json",
            '"no-unused-params": { "level": "error" }',
            '"no-unused-params": { "level": "warning" }',
        ),
        "no-unused-params",
    ),
    (
        "GEN-06",
        DEFAULT,
        "nobody asks before a plan",
        edit(".github/workflows/_plan.yml", "preflight.py", "deploy.py show"),
        "before it compares",
    ),
    (
        "GEN-06",
        KUBERNETES,
        "nobody asks on Azure Pipelines",
        edit(".azuredevops/templates/plan.yml", "preflight.py", "deploy.py show"),
        "before it compares",
    ),
    ("GEN-06", DEFAULT, "no script", remove("scripts/preflight.py"), "preflight.py is absent"),
    ("GEN-06", DEFAULT, "no list of machines", remove("scripts/preflight.json"), "absent or no JSON"),
    ("GEN-06", DEFAULT, "no page", remove("docs/quotas.md"), "say which quotas are needed"),
    ("GEN-06", DEFAULT, "a size that is not listed", size_in_another_parameter, "list it in scripts/preflight.json"),
    (
        "GEN-06",
        DEFAULT,
        "a size from nowhere",
        put("prod", COMPUTE, "properties.properties.vmSize", "Standard_E8s_v5"),
        "Standard_E8s_v5 is in no listed parameter",
    ),
    ("GEN-06", CHAT, "capacity from nowhere", put("prod", DEPLOYMENT, "sku.capacity", 7), "in no parameter"),
    ("GEN-06", CHAT, "capacity not told", edit("docs/quotas.md", "| prod | primary", "| prod: primary"), "add a line"),
    (
        "GEN-06",
        DEFAULT,
        "another size for a job",
        edit("ml/pipelines/train.yml", "Standard_D8ds_v4", "Standard_D16ds_v4"),
        "Standard_D16ds_v4 is not in scripts/preflight.json",
    ),
    (
        "GEN-06",
        DEFAULT,
        "a job that is gone",
        remove("ml/models/example/deployment.yml"),
        "ml/models/example/deployment.yml does not name",
    ),
    (
        "GEN-07",
        DEFAULT,
        "a size in a module call",
        edit("infra/main.bicep", "vmSize: seatSize", "vmSize: 'Standard_D8ds_v4'"),
        "names Standard_D8ds_v4",
    ),
    (
        "GEN-07",
        DEFAULT,
        "a size as a default",
        edit("infra/main.bicep", "param imageBuildSize string", "param imageBuildSize string = 'Standard_D4ds_v4'"),
        "names Standard_D4ds_v4",
    ),
    (
        "GEN-07",
        KUBERNETES,
        "a fixed number of nodes",
        edit("infra/modules/kubernetes/cluster.bicep", "maxCount: pools.system.maxNodes", "maxCount: 5"),
        "fixes maxCount: 5",
    ),
    (
        "GEN-07",
        CHAT,
        "a fixed capacity",
        edit("infra/modules/foundry/account.bicep", "capacity: item.capacity", "capacity: 10"),
        "fixes capacity: 10",
    ),
    ("GEN-07", DEFAULT, "no load test", remove("tests/load/load_test.py"), "add a load test"),
    ("GEN-07", CHAT, "no targets", remove("tests/load/targets.json"), "requests_per_minute is None"),
    (
        "GEN-07",
        KUBERNETES,
        "another latency",
        edit("tests/thresholds.json", '"latency_p95_ms": 1000', '"latency_p95_ms": 2000'),
        "latency_p95_ms is 2000, set it to 1000",
    ),
    (
        "GEN-07",
        KUBERNETES,
        "fewer requests",
        edit("tests/load/targets.json", '"requests_per_minute": 300', '"requests_per_minute": 3'),
        "requests_per_minute is 3, set it to 300",
    ),
    (
        "GEN-07",
        CHAT,
        "fewer tokens",
        edit("tests/load/targets.json", '"tokens_per_minute": 4', '"tokens_per_minute": 1'),
        "set it to 400000",
    ),
    (
        "GEN-07",
        CHAT,
        "answers that do not stream",
        edit("tests/load/targets.json", '"streaming": true', '"streaming": false'),
        "streaming is False",
    ),
    (
        "GEN-07",
        CHAT,
        "more may fail",
        edit("tests/thresholds.json", '"failed_percent": 0.1', '"failed_percent": 10'),
        "failed_percent is 10, set it to 0.1",
    ),
    ("GEN-11", DEFAULT, "a missing tag", put("prod", VAULT, "tags.owner", None), "tag owner"),
    ("GEN-11", DEFAULT, "a wrong tag", put("test", STORAGE, "tags.environment", "prod"), "tag environment"),
    (
        "GEN-11",
        DEFAULT,
        "no tags on a type of later releases",
        add("dev", SEARCH, "srch-1", tags={}),
        "searchServices srch-1",
    ),
    (
        "GEN-12",
        DEFAULT,
        "another template",
        edit("infra/prod.bicepparam", "using 'main.bicep'", "using 'other.bicep'"),
        "infra/prod.bicepparam",
    ),
    ("GEN-12", DEFAULT, "a parameter file missing", remove("infra/test.bicepparam"), "infra/test.bicepparam"),
    (
        "GEN-12",
        DEFAULT,
        "an environment nobody asked for",
        write("infra/stage.bicepparam", "using 'main.bicep'\n"),
        "infra/stage.bicepparam",
    ),
    (
        "GEN-12",
        DEFAULT,
        "a parameter in one only",
        edit("infra/prod.bicepparam", "param owner = ", "// param owner = "),
        "parameter owner",
    ),
    (
        "GEN-12",
        DEFAULT,
        "a type in prod only",
        drop("test", "Microsoft.Insights/actionGroups"),
        "microsoft.insights/actiongroups",
    ),
    (
        "GEN-12",
        REGULATED,
        "prod without its second region is as test",
        drop("prod", INSIGHTS),
        "microsoft.insights/components",
    ),
    (
        "GEN-12",
        DEFAULT,
        "dev more open",
        put("dev", VAULT, "properties.publicNetworkAccess", "Enabled"),
        "publicNetworkAccess",
    ),
    (
        "GEN-12",
        DEFAULT,
        "other inbound rules in test",
        put("test", SECURITY_GROUP, "properties.securityRules", []),
        "securityRules",
    ),
    ("GEN-01", DEFAULT, "no workspace", drop("prod", WORKSPACE), "prod: Microsoft.MachineLearningServices/workspaces"),
    ("GEN-01", DEFAULT, "no gateway", drop("prod", APIM), "prod: Microsoft.ApiManagement/service"),
    (
        "GEN-01",
        TUNING,
        "no account to tune in",
        drop("dev", ACCOUNT, "-tuning"),
        "dev: Microsoft.CognitiveServices/accounts",
    ),
    (
        "GEN-13",
        DEFAULT,
        "an answers file without source",
        edit(".copier-answers.yml", "_src_path", "_source"),
        "_src_path",
    ),
    ("GEN-13", DEFAULT, "answers not committed", write(".gitignore", ".copier-answers.yml\n"), "commit that file"),
    ("GEN-13", DEFAULT, "no place for the owner", remove("monitoring/queries/local/README.md"), "the owner adds"),
    ("GEN-13", DEFAULT, "no script for updates", remove("scripts/update.py"), "updates need it to lose nothing"),
    (
        "GEN-13",
        DEFAULT,
        "updates that nothing starts",
        edit(
            ".github/workflows/update.yml", "  schedule:\n    # Tuesdays at 05:00 UTC.\n    - cron", "  push:\n    tags"
        ),
        "give it a schedule",
    ),
    (
        "GEN-13",
        KUBERNETES,
        "updates that nothing starts in Azure Pipelines",
        edit(".azuredevops/update.yml", "schedules:", "variables:"),
        "give it a schedule",
    ),
    (
        "GEN-13",
        DEFAULT,
        "conflicts that go on",
        edit(".github/workflows/update.yml", " --refuse-conflicts", ""),
        "stop at conflicts",
    ),
    (
        "GEN-13",
        DEFAULT,
        "a new version that may write",
        edit(
            ".github/workflows/update.yml",
            "    timeout-minutes: 60\n",
            "    timeout-minutes: 60\n    permissions:\n      contents: write\n",
        ),
        "leave writing to a job of its own",
    ),
    (
        "GEN-13",
        KUBERNETES,
        "a new version that keeps the token",
        edit(".azuredevops/update.yml", "persistCredentials: false", "persistCredentials: true"),
        "leave writing to a job of its own",
    ),
    ("GEN-13", DEFAULT, "a conflict", write("docs/a.md", "<<<<<<< before updating\n"), "resolve the conflict"),
    ("GEN-13", DEFAULT, "a rejected part", write("docs/a.md.rej", "-\n"), "an update left it"),
]

# What is right and must stay green: requirement, variant, how.
ADDITIONS: list[Addition] = [
    ("GEN-01", both(answer(training_compute="cluster"), add("dev", COMPUTE, "mlw/cpu", properties=GOOD_COMPUTE))),
    (
        "GEN-05",
        both(answer(data_residency="data_zone"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "DataZoneStandard"})),
    ),
]
