"""Checks of the gateway rows (GW): APIs, policies as deployed, back ends, consumers and the service itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from generator import yaml_text
from generator.checks import Finding, check
from generator.checks.delivery import Step, steps_of
from generator.checks.expected import presence
from generator.checks.reading import compare, decision_table, label, located, object_of, value_at, verdict
from generator.checks.security import GUID, role_id
from generator.evaluation import Environment, Project, Resource
from generator.tools.policies import policy_faults, policy_files

SERVICE = "Microsoft.ApiManagement/service"
APIS = f"{SERVICE}/apis"
API_POLICIES = f"{SERVICE}/apis/policies"
API_DIAGNOSTICS = f"{SERVICE}/apis/diagnostics"
BACKENDS = f"{SERVICE}/backends"
PRODUCTS = f"{SERVICE}/products"
PRODUCT_APIS = f"{SERVICE}/products/apis"
PRODUCT_POLICIES = f"{SERVICE}/products/policies"
SUBSCRIPTIONS = f"{SERVICE}/subscriptions"
CACHES = f"{SERVICE}/caches"
REDIS = "Microsoft.Cache/redisEnterprise"
DATABASES = "Microsoft.Cache/redisEnterprise/databases"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
OPERATIONS = {"chat": "createChatCompletion", "embedding": "createEmbedding"}
"""What a consumer may be allowed -> the operation of the API that asks for it."""
HARMS = ("Hate", "SelfHarm", "Sexual", "Violence")
THRESHOLDS = {"low": "6", "medium": "4", "high": "2"}
"""How strict the answer is -> the severity, of 0, 2, 4 and 6, that is blocked already."""
AUDIENCES = {
    "foundation": "https://cognitiveservices.azure.com",
    "managed_endpoint": "https://ml.azure.com",
    "databricks": "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",
    "kubernetes": "https://vault.azure.net",
}
"""What is called -> the audience of the gateway's token; endpoints on a cluster take a key, which lies in the vault."""


def _parts(resource: Resource) -> list[str]:
    """Names of a child of the gateway, without the gateway."""
    return resource.name.split("/")[1:]


def _unresolved(resource: Resource) -> bool:
    """Whether only a deployment knows the text of a policy."""
    return str(resource.properties.get("value", "")).startswith("[")


def _root(text: str) -> Any:
    """A policy as an element; None when it is not well-formed."""
    try:
        return etree.fromstring(text.encode())
    except etree.XMLSyntaxError:
        return None


def _is_api(resource: Resource, api: str) -> bool:
    """Whether a child of the gateway is an API, or belongs to it; the number of a revision is no part of its name."""
    return bool(_parts(resource)) and _parts(resource)[0].partition(";")[0].endswith(api)


def _wanted_apis(answers: Mapping[str, Any]) -> list[str]:
    return ["foundation"] * bool(answers["foundation_online"]) + ["models"] * bool(answers["own_online"])


def _api_policies(project: Project, apis: list[str]) -> Iterator[tuple[Environment, str, Any, str]]:
    """Environment, API, policy (None when it is missing or broken) and evidence, for each revision of each API."""
    for environment in project.environments.values():
        for api in apis:
            found = [item for item in environment.of_type(API_POLICIES) if _is_api(item, api)]
            file = project.root / f"gateway/policies/{api}.xml"
            for item in found:
                text = str(item.properties.get("value", ""))
                if _unresolved(item) and file.is_file():
                    text = file.read_text(encoding="utf-8")
                which = f"{api}, revision {_number(item)}" if len(found) > 1 else api
                yield environment, api, _root(text), f"{environment.name}: policy of API {which}"
            if not found:
                yield environment, api, None, f"{environment.name}: policy of API {api}"


def _number(resource: Resource) -> str:
    """The revision to which an API, or a child of it, belongs; empty for none."""
    return _parts(resource)[0].partition(";rev=")[2]


def _consumers(project: Project) -> dict[str, dict[str, Any]]:
    """Each consumer file, by the name of the consumer."""
    rows = [yaml_text.read(path) for path in sorted((project.root / "gateway/consumers").glob("*.yml"))]
    return {str(row["name"]): row for row in rows}


@check("GW-01")
def apis_stand_behind_the_gateway(project: Project) -> Iterator[Finding]:
    """Each environment has the APIs that the answers ask for, each with a key and a back end."""
    for environment in project.environments.values():
        for name in _wanted_apis(project.answers):
            count = len(
                {_parts(item)[0].partition(";")[0] for item in environment.of_type(APIS) if _is_api(item, name)}
            )
            faults = [] if count == 1 else [f"{count} APIs of that name where one is asked for, deploy one"]
            yield verdict(f"{environment.name}: API {name}", faults)
        for item in environment.of_type(APIS):
            yield compare(environment, item, {"properties.subscriptionRequired": True})
    for _, _, root, evidence in _api_policies(project, _wanted_apis(project.answers)):
        named = root is not None and root.find(".//set-backend-service[@backend-id]") is not None
        yield verdict(evidence, [] if named else ["no set-backend-service names a back end, add it"])


@check("GW-02")
def gateway_calls_with_its_identity(project: Project) -> Iterator[Finding]:
    """Models are called with a token of the gateway's identity for the right audience; the caller's key is dropped.

    The one exception, endpoints on a cluster, fetches their key from the vault with such a token. The roles of the
    identity are checked with those of all callers (SEC-08).
    """
    for _, api, root, evidence in _api_policies(project, _wanted_apis(project.answers)):
        faults = []
        if root is None or root.find("inbound/set-header[@name='api-key'][@exists-action='delete']") is None:
            faults.append("the caller's api-key is passed on, delete the header in inbound")
        audience = AUDIENCES[api if api == "foundation" else project.answers["own_model_hosting"]]
        tokens = [] if root is None else root.findall("inbound//authentication-managed-identity")
        own = not project.answers["new_gateway"]
        if len(tokens) != 1 or tokens[0].get("resource") != audience or not (tokens[0].get("client-id") or own):
            faults.append(f"it takes no token for {audience}, add authentication-managed-identity with client-id")
        yield verdict(evidence, faults)


@check("GW-03")
def callers_present_tokens(project: Project) -> Iterator[Finding]:
    """Each API validates an Entra token of the own tenant with an audience.

    The element takes client applications, audiences or both; one of them must be there.
    Source: https://learn.microsoft.com/azure/api-management/validate-azure-ad-token-policy
    """
    for _, _, root, evidence in _api_policies(project, _wanted_apis(project.answers)):
        found = None if root is None else root.find("inbound/validate-azure-ad-token")
        audiences = [] if found is None else [item.text for item in found.findall("audiences/audience") if item.text]
        faults = [] if audiences else ["no Entra token with an audience is asked for, add validate-azure-ad-token"]
        tenant = "" if found is None else str(found.get("tenant-id"))
        if found is not None and not (GUID.fullmatch(tenant) or tenant == "{{tenant-id}}"):
            faults.append(f"tokens of tenant {tenant or 'none'} pass, set tenant-id to the own tenant")
        yield verdict(evidence, faults)


@check("GW-04")
def consumers_have_products(project: Project) -> Iterator[Finding]:
    """Each consumer of the answers has a file, and each file a product and a subscription to that product alone."""
    files = _consumers(project)
    if not project.environments:
        yield verdict("infra/main.bicep", ["nothing could be evaluated, correct what the compiler reports"])
    for row in project.answers["consumers"]:
        faults = [] if row["name"] in files else ["it has no file, add one"]
        yield verdict(f"gateway/consumers/{row['name']}.yml", faults)
    for environment in project.environments.values():
        for name in files:
            for kind in (PRODUCTS, SUBSCRIPTIONS):
                count = sum(_parts(item)[0].endswith(name) for item in environment.of_type(kind))
                faults = [] if count == 1 else [f"{count} where one is needed, deploy one for the consumer"]
                yield verdict(f"{environment.name}: {kind} of {name}", faults)
    wanted = {"properties.subscriptionRequired": True, "properties.approvalRequired": True}
    for environment, item in located(project, PRODUCTS):
        yield compare(environment, item, wanted)
    for environment, item in located(project, SUBSCRIPTIONS):
        narrow = f"/products/{_parts(item)[0]}".lower() in str(item.properties.get("scope")).lower()
        faults = [] if narrow else ["its scope is not the product of its consumer, set it to the product"]
        yield verdict(label(environment, item), faults, str(item))
    if project.answers["foundation_online"]:
        yield from _lists_of_models(project)


def _lists_of_models(project: Project) -> Iterator[Finding]:
    """The product of each consumer refuses the models, and lacks the APIs, that the list of its file lacks."""
    for environment in project.environments.values():
        offered = [_parts(item) for item in environment.of_type(PRODUCT_APIS)]
        for name, row in _consumers(project).items():
            listed = row.get("allowedModels") or []
            faults = []
            wanted = {OPERATIONS[key] for key in listed if key in OPERATIONS}
            if row["tokensPerMinute"] and _allowed(environment, name) != wanted:
                faults.append("its policy lets other models through than allowedModels, refuse what the list lacks")
            own = any(parts[0].endswith(name) and parts[1].endswith("models") for parts in offered)
            if own != ("own" in listed and bool(project.answers["own_online"])):
                faults.append(
                    "allowedModels and its product differ about own models, offer that API where it is listed"
                )
            yield verdict(f"{environment.name}: models of {name}", faults)


def _allowed(environment: Environment, consumer: str) -> set[str]:
    """Operations of foundation models that the policy of a product lets through."""
    for item in environment.of_type(PRODUCT_POLICIES):
        root = _root(str(item.properties.get("value", ""))) if _is_api(item, consumer) else None
        for when in [] if root is None else root.findall("inbound//when"):
            listed = re.search(r'!"([^"]*)"\.Split\(\)\.Contains\(', str(when.get("condition")))
            if listed and when.find("return-response/set-status[@code='403']") is not None:
                return set(listed.group(1).split())
    return set()


@check("GW-05")
def consumers_have_token_limits(project: Project) -> Iterator[Finding]:
    """The policy of each product limits tokens as the file of its consumer says, for each subscription."""
    for environment in project.environments.values():
        for name, row in _consumers(project).items():
            if not row["tokensPerMinute"]:
                continue
            found = [item for item in environment.of_type(PRODUCT_POLICIES) if _is_api(item, name)]
            root = _root(str(found[0].properties.get("value", ""))) if found else None
            limit = None if root is None else root.find(".//llm-token-limit")
            wanted = {
                "tokens-per-minute": str(row["tokensPerMinute"]),
                "token-quota": str(row["monthlyTokenQuota"]),
                "token-quota-period": "Monthly",
                "counter-key": "@(context.Subscription.Id)",
            }
            given = {} if limit is None else dict(limit.attrib)
            faults = [
                f"{key} of llm-token-limit is not {text}, set it"
                for key, text in wanted.items()
                if given.get(key) != text
            ]
            yield verdict(f"{environment.name}: limits of {name}", faults)


@check("GW-06")
def tokens_are_measured(project: Project) -> Iterator[Finding]:
    """Token metrics carry subscription and product in at most five dimensions, and reach Application Insights."""
    for environment, _, root, evidence in _api_policies(project, ["foundation"]):
        found = None if root is None else root.find("inbound/llm-emit-token-metric")
        names = [] if found is None else [item.get("name") for item in found.findall("dimension")]
        faults = []
        if not {"Subscription ID", "Product ID"} <= set(names):
            faults.append("tokens are not measured by Subscription ID and Product ID, add the dimensions")
        if len(names) > 5:
            faults.append("more than five dimensions, remove some")
        switches = [
            item.properties.get("metrics")
            for item in environment.of_type(API_DIAGNOSTICS)
            if _is_api(item, "foundation")
        ]
        if True not in switches:
            faults.append("no diagnostic of the API has metrics switched on, set metrics to true")
        yield verdict(evidence, faults)


@check("GW-07")
def back_ends_form_a_pool(project: Project) -> Iterator[Finding]:
    """Each pool has members that exist, provisioned throughput first and another region last.

    Own models answer from all members of theirs alike.
    """
    order = {"provisioned": 1, "primary": 2, "secondary": 3}
    for environment in project.environments.values():
        backends = {item.name.rpartition("/")[2].lower() for item in environment.of_type(BACKENDS)}
        pools = [item for item in environment.of_type(BACKENDS) if item.properties.get("type") == "Pool"]
        if not pools:
            yield verdict(f"{environment.name}: pool of back ends", ["there is none, deploy it"])
        for item in pools:
            services = value_at(item.properties, "pool.services") or []
            faults = [] if services else ["the pool is empty, add a back end"]
            for member in services:
                name = str(member["id"]).rpartition("/")[2]
                if name.lower() not in backends:
                    faults.append(f"there is no back end {name}, remove it from the pool")
                due = 1 if "own-models" in name else order.get(name.rpartition("-")[2])
                if member.get("priority") != due:
                    faults.append(f"{name} has priority {member.get('priority')}, order members by their kind")
            yield verdict(label(environment, item), faults, str(item))


@check("GW-08")
def back_ends_have_one_breaker(project: Project) -> Iterator[Finding]:
    """Each single back end has exactly one rule, which opens on 429 and honours Retry-After; a pool has none."""
    for environment, item in located(project, BACKENDS):
        rules = value_at(item.properties, "circuitBreaker.rules") or []
        faults = []
        if item.properties.get("type") == "Pool":
            faults += ["a pool has no breaker of its own, remove it"] if rules else []
        elif len(rules) != 1:
            faults.append(f"{len(rules)} breaker rules, keep exactly one")
        else:
            ranges = value_at(rules[0], "failureCondition.statusCodeRanges") or []
            if rules[0].get("acceptRetryAfter") is not True:
                faults.append("the breaker ignores Retry-After, set acceptRetryAfter to true")
            if not any(row["min"] <= 429 <= row["max"] for row in ranges):
                faults.append("the breaker does not open on 429, add the status code")
        yield verdict(label(environment, item), faults, str(item))


@check("GW-09")
def retries_are_bounded(project: Project) -> Iterator[Finding]:
    """One retry of the pool, with a count, that keeps the request and holds no streams back; refusals are reworded."""
    for environment, _, root, evidence in _api_policies(project, ["foundation"]):
        retry = None if root is None else root.find("backend/retry")
        forward = None if retry is None else retry.find("forward-request")
        members = [
            len(value_at(item.properties, "pool.services") or [])
            for item in environment.of_type(BACKENDS)
            if item.properties.get("type") == "Pool"
        ]
        faults = []
        most = max(1, max(members, default=1) - 1)
        if retry is None or retry.get("count") != str(most):
            faults.append(f"the pool is not retried {most} times, correct the count of retry")
        if forward is None or forward.get("buffer-request-body") != "true":
            faults.append("a retry has no request to send again, set buffer-request-body to true")
        if project.answers["streaming"] and (forward is None or forward.get("buffer-response") != "false"):
            faults.append("streams are held back, set buffer-response to false")
        for section in ("outbound", "on-error"):
            codes = [] if root is None else [item.get("code") for item in root.findall(f"{section}//set-status")]
            if "429" not in codes or "503" not in codes:
                faults.append(f"refusals name the back end, answer with 429 and 503 of your own in {section}")
        yield verdict(evidence, faults)


@check("GW-10")
def content_is_examined(project: Project) -> Iterator[Finding]:
    """Prompts and answers of chats pass content safety, as strictly as answered, called with the gateway's identity.

    Both switches must be written: each is off unless it is. The back end stands behind an account on which the gateway
    is a user.
    Source: https://learn.microsoft.com/azure/api-management/llm-content-safety-policy
    """
    answers = project.answers
    due = {"shield-prompt": answers["prompt_shields"], "enforce-on-completions": answers["content_safety"] != "off"}
    for environment, _, root, evidence in _api_policies(project, ["foundation"]):
        found = [] if root is None else root.findall("inbound//llm-content-safety")
        faults = [] if len(found) == 1 else [f"{len(found)} llm-content-safety where one is due, correct that"]
        for element in found:
            for name, wanted in due.items():
                if element.get(name) != str(wanted).lower():
                    faults.append(f"{name} is {element.get(name) or 'not set'}, set it to {str(wanted).lower()}")
            faults += _harm_faults(element, THRESHOLDS.get(answers["content_safety"]))
            faults += _examiner_faults(project, environment, str(element.get("backend-id")))
        yield verdict(evidence, faults)


def _harm_faults(element: Any, threshold: str | None) -> list[str]:
    """What is wrong with the categories of a policy; none are due without a threshold."""
    given = {row.get("name"): row.get("threshold") for row in element.findall("categories/category")}
    due = dict.fromkeys(HARMS, threshold) if threshold else {}
    faults = [f"the threshold of {name} is not {threshold}, set it" for name in due if given.get(name) != threshold]
    scale = element.find("categories[@output-type='FourSeverityLevels']")
    faults += (
        ["its thresholds are of another scale, set output-type to FourSeverityLevels"] if due and scale is None else []
    )
    return faults + [f"nobody asked to block {name}, remove it" for name in given if name not in due]


def _examiner_faults(project: Project, environment: Environment, name: str) -> list[str]:
    """What is wrong with the back end that examines, and with the gateway's role on its account."""
    found = [item for item in environment.of_type(BACKENDS) if _plain(name).endswith(_parts(item)[-1].lower())]
    if not found:
        return [f"there is no back end {name}, deploy it"]
    credentials = value_at(found[0].properties, "credentials.managedIdentity") or {}
    faults = []
    if credentials.get("resource") != AUDIENCES["foundation"]:
        faults.append(f"its back end is called without a token for {AUDIENCES['foundation']}, add the managed identity")
    if project.answers["new_gateway"] and not credentials.get("clientId"):
        faults.append("its back end does not name the identity of the gateway, set clientId")
    host = str(found[0].properties.get("url")).rpartition("//")[2].partition(".")[0].lower()
    user = decision_table("roles")["cognitiveServicesUser"]["id"]
    scopes = [str(item.scope).lower() for item in environment.of_type(ROLE_ASSIGNMENT) if role_id(item) == user]
    if not any(scope.endswith(f"/accounts/{host}") for scope in scopes):
        faults.append("the gateway is no user of the account that examines, give it the role Cognitive Services User")
    return faults


def _plain(name: str) -> str:
    """A name in a policy without what a deployment fills in, in lower case."""
    return name.rpartition("}}")[2].lower()


@check("GW-11")
def cached_answers_stay_apart(project: Project) -> Iterator[Finding]:
    """A semantic cache keeps the answers of consumers apart, screens prompts first and limits calls after the lookup.

    Looks at the policy (lookup, store, their order), at the vectors' back end, at the gateway's cache, and at Redis.
    Source: https://learn.microsoft.com/azure/api-management/llm-semantic-cache-lookup-policy
    """
    yield from presence(project, REDIS)
    for environment, _, root, evidence in _api_policies(project, ["foundation"]):
        yield verdict(
            evidence, ["there is no policy, deploy it"] if root is None else _lookup_faults(environment, root)
        )
    for environment in project.environments.values():
        faults = [] if environment.of_type(CACHES) else ["the gateway does not know the cache, deploy service/caches"]
        yield verdict(f"{environment.name}: {CACHES}", faults)
        for gateway in environment.of_type(SERVICE):
            own = "SystemAssigned" in str((gateway.identity or {}).get("type"))
            yield verdict(label(environment, gateway), [] if own else ["vectors need SystemAssigned, add the identity"])
    for environment, item in located(project, REDIS):
        yield compare(
            environment, item, {"properties.minimumTlsVersion": "1.2", "properties.publicNetworkAccess": "Disabled"}
        )
    for environment, item in located(project, DATABASES):
        modules = [row.get("name") for row in item.properties.get("modules") or []]
        wanted = {"properties.clientProtocol": "Encrypted", "properties.evictionPolicy": "NoEviction"}
        faults = [] if "RediSearch" in modules else ["it cannot search vectors, add the module RediSearch"]
        yield compare(environment, item, wanted, faults)


def _lookup_faults(environment: Environment, root: Any) -> list[str]:
    """What is wrong with lookup and store in a policy."""
    order = [item.tag for item in root.find("inbound").iter() if isinstance(item.tag, str)]
    lookup = root.find("inbound//llm-semantic-cache-lookup")
    if lookup is None or root.find("outbound//llm-semantic-cache-store") is None:
        return ["answers are not looked up and stored, add both elements"]
    place = order.index("llm-semantic-cache-lookup")
    faults = []
    if "@(context.Subscription.Id)" not in [item.text for item in lookup.findall("vary-by")]:
        faults.append("consumers share answers, vary by context.Subscription.Id")
    if "base" not in order[place:]:
        faults.append("answers from the cache count against limits, move <base /> after the lookup")
    if any(name in order[place:] for name in ("validate-azure-ad-token", "llm-content-safety")):
        faults.append("answers are handed out before the caller and the prompt are examined, look up later")
    names = [_parts(item)[-1] for item in environment.of_type(BACKENDS)]
    if lookup.get("embeddings-backend-id") not in names:
        faults.append(f"there is no back end {lookup.get('embeddings-backend-id')}, deploy it")
    return faults


@check("GW-12")
def own_models_stand_behind_the_gateway(project: Project) -> Iterator[Finding]:
    """The API of own models drops the header that chooses a deployment, where the endpoint knows it."""
    for _, _, root, evidence in _api_policies(project, ["models"]):
        faults = []
        if root is None or root.find(".//set-backend-service[@backend-id]") is None:
            faults.append("no set-backend-service names the endpoint, add it")
        header = None if root is None else root.find("inbound/set-header[@name='azureml-model-deployment']")
        chooses = project.answers["own_model_hosting"] == "managed_endpoint"
        if chooses and (header is None or header.get("exists-action") != "delete"):
            faults.append("callers can choose a deployment, delete the header azureml-model-deployment")
        yield verdict(evidence, faults)


@check("GW-13")
def policies_are_sound(project: Project) -> Iterator[Finding]:
    """Policies keep the element table, as files and as deployed."""
    for path in policy_files(project.root):
        yield verdict(str(path.relative_to(project.root)), policy_faults(path.read_text(encoding="utf-8")))
    for environment, item in located(project, API_POLICIES, PRODUCT_POLICIES):
        faults = [] if _unresolved(item) else policy_faults(str(item.properties.get("value", "")))
        if item.properties.get("format") != "rawxml":
            faults.append("its format is not rawxml, set it")
        yield verdict(label(environment, item), faults, str(item))


@check("GW-14")
def tier_fits(project: Project) -> Iterator[Finding]:
    """Tiers are in the table and close where the project is private; prod has an agreement and the dearest.

    Zones follow the answers, where the tier has them.
    """
    tiers = {row["sku"]: row for row in decision_table("gateway-tiers").values()}
    ranks = {
        environment.name: tiers.get(str(item.sku.get("name")), {}).get("cost_rank", 0)
        for environment, item in located(project, SERVICE)
    }
    for environment in project.environments.values():
        found = environment.of_type(SERVICE)
        if len(found) != 1:
            yield verdict(f"{environment.name}: gateway", [f"{len(found)} where the answers ask for one, deploy one"])
        for item in found:
            tier = tiers.get(str(item.sku.get("name")), {})
            faults = [] if tier else ["the tier is not in the table, choose one of the table"]
            if environment.name == "prod" and not tier.get("production"):
                faults.append("the tier has no service level agreement, choose another for prod")
            if project.answers["private"] and not (tier.get("private_inbound") and tier.get("private_outbound")):
                faults.append("the tier cannot be closed to the public network, choose a private one")
            if ranks[environment.name] > ranks.get("prod", ranks[environment.name]):
                faults.append("the tier costs more than the one of prod, choose a cheaper one")
            spread = project.answers["zonal"] and environment.name == "prod" and bool(tier.get("zones"))
            if spread != (len(item.zones) >= 2 or item.properties.get("zoneRedundant") is True):
                faults.append(f"{'spread' if spread else 'do not spread'} it over zones")
            yield verdict(label(environment, item), faults, str(item))


@check("GW-15")
def gateway_is_hardened(project: Project) -> Iterator[Finding]:
    """No portal, no old management API, no old protocols, no secret kept as plain text."""
    wanted = {
        "properties.developerPortalStatus": "Disabled",
        "properties.apiVersionConstraint.minApiVersion": "2021-08-01",
    }
    for environment, item in located(project, SERVICE):
        switches = item.properties.get("customProperties") or {}
        classic = item.sku.get("name") in ("Developer", "Premium")
        off = bool(switches) and all(str(value).lower() == "false" for value in switches.values())
        faults = ["old protocols are on, switch them off in customProperties"] if classic and not off else []
        yield compare(environment, item, wanted, faults)
    for environment, item in located(project, APIS):
        plain = item.properties.get("protocols") != ["https"]
        yield verdict(label(environment, item), ["it answers without TLS, keep https only"] if plain else [], str(item))
    for environment, item in located(project, f"{SERVICE}/namedValues"):
        leaks = bool(item.properties.get("secret")) and not item.properties.get("keyVault")
        faults = ["a secret is kept as text, refer to the key vault"] if leaks else []
        yield verdict(label(environment, item), faults, str(item))


@check("GW-16")
def changes_are_revisions(project: Project) -> Iterator[Finding]:
    """Each API has a version and a revision; only the pipeline makes one current, after a test and with a way back.

    Looks at every API and its version set, at the numbers in `gateway/revisions.json`, at the share that each revision
    gives to the successor of a chat model, and at the graphs of the pipelines that deploy and that release.
    Source: https://learn.microsoft.com/azure/api-management/api-management-revisions
    """
    yield from presence(project, "Microsoft.Resources/resourceGroups")
    numbers = object_of(project.root / "gateway/revisions.json")
    for environment in project.environments.values():
        sets = {item.id.lower() for item in environment.of_type(f"{SERVICE}/apiVersionSets")}
        found = environment.of_type(APIS)
        if not found:
            yield verdict(f"{environment.name}: {APIS}", ["there is none, deploy it"])
        for name in {_parts(item)[0].partition(";")[0] for item in found}:
            api = name.rpartition("-")[2]
            shares = _due_shares(project, environment) if api == "foundation" else [0]
            written = {_number(item): item for item in found if _is_api(item, name)}
            due = {str(numbers.get(api, 0) + step): share for step, share in enumerate(shares)}
            missing = sorted(due.keys() - written.keys())
            faults = [f"revision {number} of it is missing, write it" for number in missing if len(due) > 1]
            yield verdict(f"{environment.name}: revisions of {name}", faults)
            for number, item in written.items():
                faults = _revision_faults(item, set(due), sets)
                if api == "foundation" and number in due:
                    faults += _share_faults(environment, item, due[number])
                yield verdict(label(environment, item), faults, str(item))
        for item in environment.of_type(f"{SERVICE}/apis/releases"):
            yield verdict(label(environment, item), ["releases belong to the pipeline, remove it"], str(item))
    deploys = [step for step in steps_of(project, "deploy").values() if "gateway_revision.py" in str(step.body)]
    yield verdict("deploy.yml", [f"{step.name} creates and releases, release later" for step in deploys])
    yield verdict("release-gateway.yml", _release_faults(steps_of(project, "release-gateway")))


def _due_shares(project: Project, environment: Environment) -> list[int]:
    """Shares of the calls to chat, in percent, that the successor gets in each revision; no share without one."""
    models = environment.parameters.get("chatModels") or {}
    steps = [int(share) for share in project.answers["rollout_steps"].split(",")]
    return [0, *steps] if models.get("successor") else [0]


def _share_faults(environment: Environment, api: Resource, due: int) -> list[str]:
    """What is wrong with the share of a revision: as its policy gives it, and as the release reads it."""
    models = environment.parameters.get("chatModels") or {}
    told = f"chat is {models.get('current')}"
    told += f", and {models['successor']} for {due} %" if models.get("successor") else ""
    faults = []
    if api.properties.get("apiRevisionDescription") != told:
        faults.append(f"its description is not {told!r}, by which a release finds it: correct it")
    policies = [item for item in environment.of_type(API_POLICIES) if _parts(item)[0] == _parts(api)[0]]
    for item in [item for item in policies if not _unresolved(item)]:
        root = _root(str(item.properties.get("value", "")))
        chosen = None if root is None else root.find("inbound/set-variable[@name='model']")
        share = None if chosen is None else re.search(r"\.Next\(100\) < (\d+) \?", str(chosen.get("value")))
        if share is None or int(share[1]) != due:
            faults.append(f"its policy gives {share[1] if share else 'no'} % of chat to the successor, give {due} %")
        if root is not None and root.find("inbound//set-body") is None:
            faults.append("chat is passed on as the name of a model, write the chosen one into the body")
    return faults


def _revision_faults(api: Resource, due: set[str], sets: set[str]) -> list[str]:
    """What is wrong with the version and the revision of an API."""
    revision = _number(api)
    faults = []
    if revision not in due or str(api.properties.get("apiRevision")) != revision:
        faults.append(f"it is written as revision {revision or 'none'}, write the one of gateway/revisions.json")
    if "isCurrent" in api.properties:
        faults.append("which revision is current belongs to the pipeline, remove isCurrent")
    version_set = str(api.properties.get("apiVersionSetId")).lower()
    if not api.properties.get("apiVersion") or version_set not in sets:
        faults.append("it has no version, set apiVersion and apiVersionSetId")
    return faults


def _release_faults(steps: Mapping[str, Step]) -> list[str]:
    """What is wrong with the pipeline that releases."""
    order = {name: _step_command(step) for name, step in steps.items()}
    releases = [name for name, command in order.items() if command == "release"]
    tests = [name for name, command in order.items() if command == "test"]
    backs = [steps[name] for name, command in order.items() if command == "rollback"]
    if len(releases) != 1 or not backs:
        return ["it does not release once and roll back, add the jobs"]
    faults = []
    if not set(tests) & set(steps[releases[0]].needs):
        faults.append("it releases what was not called at its own address, let release wait for test")
    if not any(releases[0] in steps[name].needs for name in tests):
        faults.append("nobody calls what was released, add a test after release")
    if set(steps) - {backs[0].name} - set(backs[0].needs):
        faults.append("rollback does not watch every job, add them to what it waits for")
    if "-rollout" not in str(backs[0].body.get("environment") or backs[0].body):
        faults.append("rollback waits for an approval, run it in the -rollout environment")
    return faults


def _step_command(step: Step) -> str:
    """First word of what a job gives to the script; empty for none."""
    text = str(step.body)
    start = text.find("'STEP': '")
    return text[start + len("'STEP': '") :].split(" ")[0] if start >= 0 else ""
