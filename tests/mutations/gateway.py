"""What can go wrong with the gateway rows (GW), and what the detail of the check must say."""

from tests.checks_support import Mutation, add, drop, edit, put, remove
from tests.mutations.common import APIM, CENTRAL, CHAT, DEFAULT, KUBERNETES, REGULATED, REUSED, ROLE

API = f"{APIM}/apis"
POLICY = f"{APIM}/apis/policies"
PRODUCT = f"{APIM}/products"
PRODUCT_POLICY = f"{APIM}/products/policies"
SUBSCRIPTION = f"{APIM}/subscriptions"
BACKEND = f"{APIM}/backends"
DIAGNOSTIC = f"{APIM}/apis/diagnostics"
RULE = "properties.circuitBreaker.rules"
CACHE = f"{APIM}/caches"
REDIS = "Microsoft.Cache/redisEnterprise"
DATABASE = "Microsoft.Cache/redisEnterprise/databases"
RELEASE = ".github/workflows/release-gateway.yml"
EXAMINER = "backends/content-safety"
USER = "a97b65f3-24c7-4388-baec-2e87135dc908"


def rewrite(resource_type, old, new, name=""):
    """Another text in a deployed policy of prod."""

    def change(draft):
        body = draft.first("prod", resource_type, name)
        assert old in body["properties"]["value"]
        body["properties"]["value"] = body["properties"]["value"].replace(old, new)

    return change


def pool(path, value):
    """Set a property of the first member of a pool of prod."""

    def change(draft):
        body = next(item for item in draft.of_type("prod", BACKEND) if item["properties"]["type"] == "Pool")
        body["properties"]["pool"]["services"][0][path] = value

    return change


def no_user(draft):
    """Take the role that examines away."""
    draft.environments["prod"] = [
        body
        for body in draft.environments["prod"]
        if body["type"] != ROLE or USER not in body["properties"]["roleDefinitionId"]
    ]


def successor_without_shares(draft):
    """Name a successor of the chat model for which nothing is written."""
    draft.parameters["prod"]["chatModels"]["successor"] = "text-embedding-3-large"


def limited(draft):
    """Limit calls before answers are looked up."""
    body = draft.first("prod", POLICY, F)
    inbound, rest = body["properties"]["value"].split("</inbound>")
    body["properties"]["value"] = inbound.replace("<base />", "").replace("<inbound>", "<inbound><base />") + (
        f"</inbound>{rest}"
    )


def earlier(draft):
    """Look answers up before prompts are examined."""
    body = draft.first("prod", POLICY, F)
    text = body["properties"]["value"]
    start, end = text.index("<llm-content-safety"), text.index("</llm-content-safety>") + len("</llm-content-safety>")
    element = text[start:end]
    text = text.replace(element, "")
    body["properties"]["value"] = text.replace("</llm-semantic-cache-lookup>", f"</llm-semantic-cache-lookup>{element}")


F, M = "apis/foundation;", "apis/models;"

# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    ("GW-01", CHAT, "no API", drop("prod", API), "0 APIs of that name"),
    ("GW-01", CHAT, "no key", put("prod", API, "properties.subscriptionRequired", False), "set it to True"),
    ("GW-01", DEFAULT, "no back end", rewrite(POLICY, "set-backend-service", "set-x", M), "no set-backend-service"),
    ("GW-02", DEFAULT, "key passed on", rewrite(POLICY, 'name="api-key"', 'name="x"', F), "api-key is passed on"),
    ("GW-02", DEFAULT, "no token", rewrite(POLICY, "cognitiveservices.azure", "example", F), "takes no token"),
    (
        "GW-02",
        DEFAULT,
        "another audience",
        rewrite(POLICY, "https://ml.azure.com", "https://example.com", M),
        "takes no token for https://ml.azure.com",
    ),
    (
        "GW-02",
        KUBERNETES,
        "the key from elsewhere",
        edit("gateway/policies/models.xml", "https://vault.azure.net", "https://example.com"),
        "takes no token for https://vault.azure.net",
    ),
    ("GW-03", CENTRAL, "no audience", rewrite(POLICY, "audience>", "other>", F), "no Entra token"),
    ("GW-03", CHAT, "any tenant", rewrite(POLICY, 'tenant-id="', 'tenant-id="common', F), "set tenant-id"),
    ("GW-04", CENTRAL, "no file", remove("gateway/consumers/hr.yml"), "it has no file"),
    ("GW-04", CENTRAL, "no product", drop("prod", PRODUCT), "0 where one is needed"),
    ("GW-04", CENTRAL, "unapproved", put("prod", PRODUCT, "properties.approvalRequired", False), "approvalRequired"),
    ("GW-04", CENTRAL, "all APIs", put("prod", SUBSCRIPTION, "properties.scope", "/apis"), "its scope is not"),
    ("GW-04", CENTRAL, "any model", rewrite(PRODUCT_POLICY, ".Split()", ""), "lets other models through"),
    ("GW-04", DEFAULT, "own models kept back", drop("prod", f"{PRODUCT}/apis", "models"), "differ about own models"),
    ("GW-05", CENTRAL, "no quota", rewrite(PRODUCT_POLICY, "Monthly", "Yearly"), "token-quota-period"),
    ("GW-06", CHAT, "no product", rewrite(POLICY, "Product ID", "API ID"), "not measured by"),
    ("GW-06", CHAT, "switched off", put("prod", DIAGNOSTIC, "properties.metrics", False), "set metrics to true"),
    ("GW-07", CHAT, "unknown member", pool("id", "x/foundation-other"), "there is no back end"),
    ("GW-07", CHAT, "wrong order", pool("priority", 9), "has priority 9"),
    ("GW-08", CHAT, "no rule", put("prod", BACKEND, RULE, []), "0 breaker rules"),
    ("GW-08", CHAT, "impatient", put("prod", BACKEND, f"{RULE}.0.acceptRetryAfter", False), "ignores Retry-After"),
    ("GW-09", CHAT, "unbounded", rewrite(POLICY, "count=", "times="), "correct the count"),
    ("GW-09", CHAT, "named", rewrite(POLICY, 'code="429"', 'code="500"'), "refusals name the back end"),
    ("GW-09", CHAT, "held back", rewrite(POLICY, 'buffer-response="false"', ""), "streams are held back"),
    ("GW-10", CHAT, "nothing examined", rewrite(POLICY, "llm-content-safety", "llm-x"), "0 llm-content-safety"),
    ("GW-10", CHAT, "attacks let in", rewrite(POLICY, 'shield-prompt="true"', ""), "shield-prompt is not set"),
    (
        "GW-10",
        CHAT,
        "answers let out",
        rewrite(POLICY, 'enforce-on-completions="true"', 'enforce-on-completions="false"'),
        "enforce-on-completions is false",
    ),
    ("GW-10", CHAT, "lenient", rewrite(POLICY, 'name="Hate" threshold="4"', 'name="Hate" threshold="6"'), "of Hate"),
    ("GW-10", CHAT, "another scale", rewrite(POLICY, "FourSeverity", "EightSeverity"), "another scale"),
    ("GW-10", CHAT, "no examiner", drop("prod", BACKEND, EXAMINER), "there is no back end content-safety"),
    (
        "GW-10",
        CHAT,
        "no token",
        put("prod", BACKEND, "properties.credentials.managedIdentity", {}, EXAMINER),
        "called without a token",
    ),
    (
        "GW-10",
        DEFAULT,
        "another identity",
        put("prod", BACKEND, "properties.credentials.managedIdentity.clientId", None, EXAMINER),
        "set clientId",
    ),
    ("GW-10", REUSED, "no role", no_user, "no user of the account"),
    ("GW-11", CENTRAL, "shared", rewrite(POLICY, "<vary-by>@(context.Subscription.Id)", "<vary-by>@(1)"), "share"),
    ("GW-11", CENTRAL, "not stored", rewrite(POLICY, "llm-semantic-cache-store", "llm-x"), "add both elements"),
    ("GW-11", CENTRAL, "hits count", limited, "count against limits"),
    ("GW-11", CENTRAL, "before the shields", earlier, "before the caller and the prompt are examined"),
    ("GW-11", CENTRAL, "no vectors", drop("prod", BACKEND, "cache-embeddings"), "no back end cache-embeddings"),
    ("GW-11", CENTRAL, "no connection", drop("prod", CACHE), "deploy service/caches"),
    ("GW-11", CENTRAL, "no cache", drop("prod", REDIS), "0 where the answers ask for 1"),
    ("GW-11", CENTRAL, "no identity", put("prod", APIM, "identity.type", "UserAssigned"), "need SystemAssigned"),
    ("GW-11", CENTRAL, "open", put("prod", REDIS, "properties.publicNetworkAccess", "Enabled"), "publicNetworkAccess"),
    ("GW-11", CENTRAL, "no search", put("prod", DATABASE, "properties.modules", []), "add the module RediSearch"),
    ("GW-11", CENTRAL, "plain", put("prod", DATABASE, "properties.clientProtocol", "Plaintext"), "clientProtocol"),
    ("GW-12", DEFAULT, "chosen", rewrite(POLICY, "azureml-model-deployment", "x", M), "callers can choose"),
    ("GW-13", CHAT, "broken XML", rewrite(POLICY, "</inbound>", ""), "not well-formed"),
    ("GW-13", CHAT, "escaped", put("prod", POLICY, "properties.format", "xml"), "not rawxml"),
    ("GW-16", CHAT, "no number", put("prod", API, "properties.apiRevision", None), "write the one of"),
    ("GW-16", CHAT, "another number", edit("gateway/revisions.json", "1", "2"), "written as revision 1"),
    ("GW-16", CHAT, "made current", put("prod", API, "properties.isCurrent", True), "remove isCurrent"),
    ("GW-16", CHAT, "no version", put("prod", API, "properties.apiVersionSetId", "x"), "it has no version"),
    ("GW-16", CHAT, "released at once", add("prod", f"{API}/releases", "a/b/c"), "releases belong to the pipeline"),
    ("GW-16", DEFAULT, "no pipeline", remove(RELEASE), "does not release once and roll back"),
    (
        "GW-16",
        DEFAULT,
        "untested",
        edit(RELEASE, "needs: [choose, test]", "needs: choose"),
        "let release wait for test",
    ),
    ("GW-16", DEFAULT, "unseen", edit(RELEASE, "needs: [choose, release]", "needs: choose"), "nobody calls what was"),
    ("GW-16", DEFAULT, "half a way back", edit(RELEASE, "test, release, confirm]", "release]"), "does not watch every"),
    (
        "GW-16",
        DEFAULT,
        "created and released",
        edit(".github/workflows/deploy.yml", "_deploy.yml", "gateway_revision.py"),
        "release later",
    ),
    (
        "GW-16",
        KUBERNETES,
        "untested in stages",
        edit(".azuredevops/release-gateway.yml", "dependsOn: [Choose, Test]", "dependsOn: [Choose]"),
        "let release wait for test",
    ),
    (
        "GW-16",
        CHAT,
        "a share that no release gave",
        rewrite(POLICY, ".Next(100) &lt; 0", ".Next(100) &lt; 50", F),
        "gives 50 % of chat to the successor, give 0 %",
    ),
    ("GW-16", CHAT, "chat passed on", rewrite(POLICY, "set-body", "set-x", F), "chat is passed on as the name"),
    (
        "GW-16",
        CHAT,
        "untold",
        put("prod", API, "properties.apiRevisionDescription", "new", "apis/foundation;"),
        "by which a release finds it",
    ),
    ("GW-16", CHAT, "no revision for a share", successor_without_shares, "revision 2 of it is missing"),
    ("GW-14", CHAT, "no agreement", put("prod", APIM, "sku.name", "Developer"), "no service level agreement"),
    ("GW-14", CENTRAL, "cannot be closed", put("prod", APIM, "sku.name", "BasicV2"), "cannot be closed"),
    ("GW-14", CENTRAL, "dear", put("dev", APIM, "sku.name", "Premium"), "costs more than the one of prod"),
    ("GW-14", REGULATED, "one datacentre", put("prod", APIM, "zones", []), "spread it over zones"),
    ("GW-15", CHAT, "portal", put("prod", APIM, "properties.developerPortalStatus", "Enabled"), "developerPortal"),
    ("GW-15", CHAT, "no TLS", put("prod", API, "properties.protocols", ["http"]), "answers without TLS"),
    ("GW-15", CHAT, "classic", put("prod", APIM, "sku.name", "Premium"), "old protocols are on"),
    ("GW-15", CHAT, "secret", put("prod", f"{APIM}/namedValues", "properties.secret", True), "kept as text"),
]

FILE_ROWS = {"GW-13"}
