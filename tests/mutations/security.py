"""What can go wrong with the security rows (SEC), and what the detail of the check must say."""

from tests.checks_support import Addition, Draft, Mutation, add, drop, edit, put, remove
from tests.mutations.common import (
    ACCOUNT,
    BATCH_ENDPOINT,
    CENTRAL,
    CHAT,
    COMPUTE,
    CONTRIBUTOR,
    DEFAULT,
    DEPLOYMENT,
    FILTER,
    FLAGS,
    IDENTITY,
    INSIGHTS,
    KEY,
    KUBERNETES,
    LOCAL,
    LOGS,
    ONLINE_ENDPOINT,
    REGISTRY,
    REGULATED,
    REUSED,
    ROLE,
    STORAGE,
    TUNING,
    VAULT,
    WORKSPACE,
    group_role,
    move_role,
    twice,
)

POLICY = "Microsoft.Authorization/policyAssignments"
OWNER_ROLE = "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def secret_output(draft):
    nested = draft.template["resources"]["storage"]["properties"]["template"]
    nested["outputs"] = {
        "access": {"type": "string", "value": "[listKeys(resourceId('x', 'y'), '2026-04-01').keys[0].value]"}
    }


def named_secret(draft):
    draft.template["outputs"] = {"storageAccountKey": {"type": "string", "value": "x"}}


def shared_identity(draft):
    storage, registry = draft.first("prod", STORAGE), draft.first("prod", REGISTRY)
    registry["identity"] = storage["identity"]


def unencrypted_by_nobody(draft):
    key = draft.first("prod", KEY, "/storage")
    roles = [item for item in draft.of_type("prod", ROLE) if item["id"].startswith(key["id"] + "/")]
    assert roles
    for item in roles:
        draft.environments["prod"].remove(item)


OPENAI_USER = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
STRANGER = "99999999-0000-0000-0000-000000000000"


def pipeline_role(role, **changes):
    """Change a role of the pipeline in prod."""

    def change(draft):
        body = next(
            item
            for item in draft.of_type("prod", ROLE)
            if "-pipeline" in str(item["properties"]["principalId"]) and role in item["properties"]["roleDefinitionId"]
        )
        body["properties"].update(changes)

    return change


def one_identity_for_cluster_and_workspace(draft):
    cluster = draft.first("prod", COMPUTE, "batch-cluster")
    cluster["identity"] = draft.first("prod", WORKSPACE)["identity"]


def one_identity_for_models_and_workspace(draft):
    compute = draft.first("prod", COMPUTE, "/kubernetes")
    compute["identity"] = draft.first("prod", WORKSPACE)["identity"]


def unread_key(draft):
    roles = [item for item in draft.of_type("prod", ROLE) if SECRETS_USER in item["properties"]["roleDefinitionId"]]
    assert roles
    for item in roles:
        draft.environments["prod"].remove(item)


FILE_ROWS = {"SEC-10"}


def drop_policies(environment, group):
    """Take the policies of the groups with an ending away."""

    def change(draft: Draft) -> None:
        draft.environments[environment] = [
            body
            for body in draft.environments[environment]
            if body["type"] != POLICY or f"{group}/" not in body["id"].lower()
        ]

    return change


def own_role(permissions):
    """The role that a person defines for prod, with other permissions."""

    def change(draft: Draft) -> None:
        draft.by_hand["prod"][0]["properties"]["permissions"] = permissions

    return change


# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    (
        "SEC-01",
        DEFAULT,
        "keys on",
        put("prod", INSIGHTS, "properties.DisableLocalAuth", False),
        "Microsoft.Insights/components appi-",
    ),
    (
        "SEC-01",
        DEFAULT,
        "keys of the logs on",
        put("prod", LOGS, "properties.features.disableLocalAuth", False),
        "workspaces log-",
    ),
    ("SEC-01", TUNING, "keys of flags", put("dev", FLAGS, "properties.disableLocalAuth", None), "disableLocalAuth"),
    ("SEC-01", DEFAULT, "no component", drop("dev", INSIGHTS), "dev: Microsoft.Insights/components"),
    (
        "SEC-01",
        CHAT,
        "model account with keys",
        add("prod", ACCOUNT, "ai-1", properties={"customSubDomainName": "a"}),
        "accounts ai-1",
    ),
    (
        "SEC-01",
        CHAT,
        "model account without subdomain",
        add("prod", ACCOUNT, "ai-1", properties={"disableLocalAuth": True}),
        "customSubDomainName",
    ),
    (
        "SEC-01",
        DEFAULT,
        "compute with keys",
        add("dev", COMPUTE, "mlw/ci", properties={"computeType": "ComputeInstance"}),
        "computes mlw/ci",
    ),
    (
        "SEC-03",
        DEFAULT,
        "shared keys",
        put("prod", STORAGE, "properties.allowSharedKeyAccess", True),
        "storageAccounts st",
    ),
    (
        "SEC-03",
        DEFAULT,
        "public blobs not refused",
        put("prod", STORAGE, "properties.allowBlobPublicAccess", None),
        "not set",
    ),
    ("SEC-03", DEFAULT, "no storage", drop("prod", STORAGE), "prod: Microsoft.Storage/storageAccounts"),
    ("SEC-03", DEFAULT, "workspace by key", add("dev", WORKSPACE, "mlw", properties={}), "systemDatastoresAuthMode"),
    (
        "SEC-03",
        DEFAULT,
        "workspace without data roles",
        add("dev", WORKSPACE, "mlw", properties={"systemDatastoresAuthMode": "Identity"}),
        "Storage File Data Privileged Contributor on its storage",
    ),
    (
        "SEC-04",
        DEFAULT,
        "access policies model",
        put("prod", VAULT, "properties.enableRbacAuthorization", False),
        "vaults kv-",
    ),
    (
        "SEC-04",
        DEFAULT,
        "no purge protection",
        put("prod", VAULT, "properties.enablePurgeProtection", None),
        "enablePurgeProtection",
    ),
    (
        "SEC-04",
        DEFAULT,
        "short soft delete",
        put("prod", VAULT, "properties.softDeleteRetentionInDays", 7),
        "set it to 90",
    ),
    (
        "SEC-04",
        DEFAULT,
        "access policies",
        put("prod", VAULT, "properties.accessPolicies", [{"objectId": "x"}]),
        "accessPolicies",
    ),
    ("SEC-04", DEFAULT, "no vault", drop("test", VAULT), "test: Microsoft.KeyVault/vaults"),
    ("SEC-05", DEFAULT, "admin user", put("prod", REGISTRY, "properties.adminUserEnabled", True), "registries cr"),
    (
        "SEC-05",
        DEFAULT,
        "anonymous pull",
        put("prod", REGISTRY, "properties.anonymousPullEnabled", True),
        "anonymousPullEnabled",
    ),
    ("SEC-05", DEFAULT, "too small a tier", put("prod", REGISTRY, "sku.name", "Standard"), "set it to Premium"),
    ("SEC-05", DEFAULT, "no registry", drop("prod", REGISTRY), "prod: Microsoft.ContainerRegistry/registries"),
    ("SEC-06", DEFAULT, "a component without identity", drop("dev", IDENTITY, "-training"), "component training"),
    ("SEC-06", REGULATED, "an identity shared", shared_identity, "share it"),
    (
        "SEC-06",
        DEFAULT,
        "a cluster of no name",
        put("prod", COMPUTE, "identity.type", "SystemAssigned", "batch-cluster"),
        "give it a user-assigned one",
    ),
    (
        "SEC-06",
        DEFAULT,
        "a workspace of no name",
        put("prod", WORKSPACE, "properties.primaryUserAssignedIdentity", None),
        "primaryUserAssignedIdentity",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a subscription scope",
        move_role("prod", "-serving", "/subscriptions/x"),
        "whole subscription",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a group scope for an identity",
        move_role("prod", "-serving", "/subscriptions/x/resourceGroups/y"),
        "whole resource group",
    ),
    ("SEC-07", DEFAULT, "Owner", put("prod", ROLE, "properties.roleDefinitionId", OWNER_ROLE), "gives Owner"),
    (
        "SEC-07",
        DEFAULT,
        "a role outside roles.json",
        group_role("prod", "749f88d5-cbae-40b8-bcfc-e573ddc772fa"),
        "749f88d5",
    ),
    (
        "SEC-07",
        DEFAULT,
        "no principal type",
        put("prod", ROLE, "properties.principalType", None),
        "principalType is not set",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a name that is no GUID",
        put("prod", ROLE, "name", "serving-reads"),
        "roleAssignments serving-reads",
    ),
    ("SEC-07", DEFAULT, "the same twice", twice("prod", ROLE), "twice"),
    ("SEC-07", DEFAULT, "a missing grant", drop("prod", ROLE, "/containers/batch-input/"), "Storage Blob Data Reader"),
    ("SEC-07", REUSED, "no pull from the existing registry", drop("prod", ROLE, "/registries/"), "AcrPull"),
    ("SEC-07", DEFAULT, "a wrong GUID", edit("infra/roles.json", "7f951dda", "8f951dda"), "infra/roles.json"),
    ("SEC-07", DEFAULT, "no roles file", remove("infra/roles.json"), "infra/roles.json"),
    (
        "SEC-09",
        DEFAULT,
        "a single person",
        group_role("dev", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "", "User"),
        "principalType is User",
    ),
    (
        "SEC-09",
        DEFAULT,
        "an unknown group",
        group_role("dev", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "99999999-0000-0000-0000-000000000000"),
        "99999999",
    ),
    ("SEC-09", DEFAULT, "people write in prod", group_role("prod", CONTRIBUTOR), "change prod by hand"),
    (
        "SEC-09",
        DEFAULT,
        "operators cannot read",
        drop("prod", ROLE, "-monitoring/providers/Microsoft.Authorization"),
        "-monitoring",
    ),
    ("SEC-10", DEFAULT, "keys in an output", secret_output, "output access hands out a key"),
    (
        "SEC-10",
        CENTRAL,
        "the key of the cache once more",
        edit(
            "infra/modules/gateway/semantic-cache.bicep", "output id string = cache.id", "var key = database.listKeys()"
        ),
        "semantic-cache.bicep",
    ),
    ("SEC-10", DEFAULT, "an output that looks like a key", named_secret, "storageAccountKey"),
    (
        "SEC-10",
        DEFAULT,
        "keys in Bicep",
        edit(LOCAL, "param location string", "param location string\nvar key = account.listKeys().keys[0].value"),
        LOCAL,
    ),
    (
        "SEC-10",
        DEFAULT,
        "a lenient linter",
        edit(
            "infra/bicepconfig.json",
            '"outputs-should-not-contain-secrets": { "level": "error" }',
            '"outputs-should-not-contain-secrets": { "level": "off" }',
        ),
        "outputs-should-not-contain-secrets",
    ),
    (
        "SEC-11",
        REGULATED,
        "storage with Microsoft's key",
        put("prod", STORAGE, "properties.encryption.keySource", "Microsoft.Storage"),
        "storageAccounts st",
    ),
    (
        "SEC-11",
        REGULATED,
        "registry with Microsoft's key",
        put("prod", REGISTRY, "properties.encryption.status", "disabled"),
        "registries cr",
    ),
    ("SEC-11", REGULATED, "no key", drop("prod", KEY), "prod: Microsoft.KeyVault/vaults/keys"),
    ("SEC-11", REGULATED, "no rotation", put("prod", KEY, "properties.rotationPolicy", None), "rotates"),
    ("SEC-11", REGULATED, "the key out of reach", unencrypted_by_nobody, "e147488a"),
    (
        "SEC-11",
        DEFAULT,
        "a key nobody asked for",
        put("prod", STORAGE, "properties.encryption", {"keySource": "Microsoft.Keyvault"}),
        "nobody asked",
    ),
    (
        "SEC-02",
        DEFAULT,
        "an endpoint with a key",
        put("prod", ONLINE_ENDPOINT, "properties.authMode", "Key"),
        "properties.authMode",
    ),
    (
        "SEC-02",
        DEFAULT,
        "a batch endpoint with a key",
        put("prod", BATCH_ENDPOINT, "properties.authMode", "Key"),
        "properties.authMode",
    ),
    ("SEC-02", DEFAULT, "no endpoint", drop("prod", ONLINE_ENDPOINT), "deploy it"),
    (
        "SEC-02",
        KUBERNETES,
        "somebody else reads the key",
        group_role("prod", SECRETS_USER, STRANGER),
        "let only the gateway",
    ),
    ("SEC-02", KUBERNETES, "nobody reads the key", unread_key, "let the gateway read the key"),
    (
        "SEC-06",
        DEFAULT,
        "batch runs as the workspace",
        one_identity_for_cluster_and_workspace,
        "an identity of its own",
    ),
    ("SEC-07", DEFAULT, "the pipeline gives any role", pipeline_role("f58310d9", condition=""), "must withhold Owner"),
    ("SEC-07", DEFAULT, "an old condition", pipeline_role("f58310d9", conditionVersion="1.0"), "conditionVersion"),
    (
        "SEC-07",
        DEFAULT,
        "the pipeline owns",
        pipeline_role("b24988ac", roleDefinitionId=OWNER_ROLE),
        "take its other roles",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a role of our own for everything",
        own_role([{"actions": ["*"]}]),
        "it allows *",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a role of our own for nothing",
        own_role([]),
        "it allows nothing",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a role that the pipeline would have to define",
        lambda draft: draft.environments["prod"].append(draft.by_hand["prod"][0]),
        "may not write Microsoft.Authorization/roleDefinitions",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a role that nobody defines",
        lambda draft: draft.by_hand["prod"].clear(),
        "not in infra/roles.json",
    ),
    (
        "SEC-13",
        DEFAULT,
        "only notes in prod",
        put("prod", POLICY, "properties.parameters.effect.value", "Audit", "vault-"),
        "set Deny",
    ),
    (
        "SEC-13",
        DEFAULT,
        "stops dev",
        put("dev", POLICY, "properties.parameters.effect.value", "Deny", "vault-"),
        "set Audit",
    ),
    (
        "SEC-13",
        DEFAULT,
        "another definition",
        put("prod", POLICY, "properties.policyDefinitionId", "/x/1"),
        "correct it",
    ),
    (
        "SEC-13",
        DEFAULT,
        "not enforced",
        put("prod", POLICY, "properties.enforcementMode", "DoNotEnforce"),
        "enforce it",
    ),
    ("SEC-13", DEFAULT, "an unwatched service", drop("prod", POLICY, "/ai-services-keys"), "assign ai-services-keys"),
    (
        "SEC-13",
        TUNING,
        "an unwatched store of flags",
        drop("prod", POLICY, "/app-configuration-keys"),
        "assign app-configuration-keys",
    ),
    ("SEC-13", KUBERNETES, "an unwatched cluster", drop_policies("prod", "-kubernetes"), "nothing watches it"),
    (
        "SEC-13",
        TUNING,
        "a policy against callers in the network",
        put("prod", POLICY, "name", "container-app-network", "/container-app-protocols"),
        "never assign it",
    ),
    ("SEC-13", DEFAULT, "an unwatched group", drop_policies("prod", "-foundation"), "nothing watches it"),
    (
        "SEC-13",
        DEFAULT,
        "a policy against the managed network",
        put("prod", POLICY, "name", "ml-compute-network", "-inference/"),
        "never assign it",
    ),
    (
        "SEC-13",
        DEFAULT,
        "a template that prod refuses",
        put("prod", ACCOUNT, "properties.disableLocalAuth", False),
        "would refuse it",
    ),
    ("SEC-08", DEFAULT, "people call models", group_role("prod", OPENAI_USER, STRANGER), "must not call models"),
    (
        "SEC-08",
        DEFAULT,
        "a gateway that may not call foundation models",
        drop("prod", ROLE, "/accounts/"),
        "give the gateway",
    ),
    (
        "SEC-08",
        DEFAULT,
        "a gateway that may not call own models",
        drop("prod", ROLE, "/onlineEndpoints/"),
        "give the gateway",
    ),
    (
        "SEC-08",
        REUSED,
        "an existing gateway that may not call own models",
        drop("prod", ROLE, "/onlineEndpoints/"),
        "give the gateway",
    ),
    (
        "SEC-08",
        REUSED,
        "an existing gateway that may not call foundation models",
        drop("prod", ROLE, "/accounts/"),
        "give the gateway",
    ),
    (
        "SEC-06",
        KUBERNETES,
        "one identity for models on a cluster and the workspace",
        one_identity_for_models_and_workspace,
        "share it",
    ),
    (
        "SEC-12",
        CHAT,
        "no filter named",
        put("prod", DEPLOYMENT, "properties.raiPolicyName", None),
        "raiPolicyName is not set",
    ),
    ("SEC-12", CHAT, "a filter that is not there", drop("test", FILTER), "name a filter of its account"),
    (
        "SEC-12",
        CHAT,
        "a lenient filter",
        put("prod", FILTER, "properties.contentFilters.0.severityThreshold", "High"),
        "must be Medium",
    ),
    (
        "SEC-12",
        CHAT,
        "a filter that only notes",
        put("prod", FILTER, "properties.contentFilters.1.blocking", False),
        "block Hate in the completion",
    ),
    ("SEC-12", CHAT, "no shield", put("prod", FILTER, "properties.contentFilters.8.enabled", False), "block Jailbreak"),
]

# What is right and must stay green: requirement, variant, how.
ADDITIONS: list[Addition] = [
    ("SEC-01", add("prod", ACCOUNT, "ai-1", properties={"disableLocalAuth": True, "customSubDomainName": "ai-1"})),
]
