"""Security and identity (SEC rows): what the evaluated resources and the compiled template must show."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import (
    environment_facts,
    presence,
)
from generator.checks.reading import (
    bicep_files,
    compare,
    decision_table,
    identity_name,
    label,
    linter_findings,
    located,
    nested_templates,
    object_of,
    same,
    type_of_id,
    value_at,
    verdict,
)
from generator.checks.tables import (
    COMPONENT_CLASSES,
    FORBIDDEN_ROLES,
    KEYLESS,
    OWN_KEY,
    SECRETS_IN_USE,
    STORES,
)
from generator.evaluation import Environment, Project, Resource

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
STORAGE = "Microsoft.Storage/storageAccounts"
REGISTRY = "Microsoft.ContainerRegistry/registries"
VAULT = "Microsoft.KeyVault/vaults"
KEY = "Microsoft.KeyVault/vaults/keys"
INSIGHTS = "Microsoft.Insights/components"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
ONLINE_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BATCH_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
ROLE_DEFINITION = "Microsoft.Authorization/roleDefinitions"
PIPELINE_ROLES = ("contributor", "azureDeploymentStackOwner", "resourcePolicyContributor")
PIPELINE_WRITES = ("microsoft.authorization/roleassignments", "microsoft.authorization/policyassignments")
ACCOUNT = "Microsoft.CognitiveServices/accounts"
DEPLOYMENT = "Microsoft.CognitiveServices/accounts/deployments"
FILTER = "Microsoft.CognitiveServices/accounts/raiPolicies"
HARMS = ("Hate", "Sexual", "Violence", "Selfharm")


VAULT_PROTECTION = {
    "properties.enableRbacAuthorization": True,
    "properties.enablePurgeProtection": True,
    "properties.softDeleteRetentionInDays": 90,
}
LINTER_RULES_FOR_SECRETS = ("outputs-should-not-contain-secrets", "secure-secrets-in-params")
SECRET_FUNCTION = re.compile(
    r"\blist(?:\w*Keys|\w*Secrets|ConnectionStrings|Credentials|AccountSas|ServiceSas)\w*\s*\(", re.I
)
SECRET_NAME = re.compile(
    r"secret(?!.*(id|uri|name|readers?|users?)$)|password|passphrase|connection_?string|(access|account|shared|primary|secondary|api)_?key$"
    r"|sas_?token|credential",
    re.IGNORECASE,
)


@check("SEC-01")
def keys_switched_off(project: Project) -> Iterator[Finding]:
    """SEC-01: no service that can do without keys accepts them.

    Looks at the property that switches key authentication off, on every service that has one; a model account also
    needs the subdomain that Entra tokens ask for.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    yield from presence(project, INSIGHTS)
    for service, wanted in KEYLESS.items():
        for environment, resource in located(project, service):
            nameless = same(service, ACCOUNT) and not resource.properties.get("customSubDomainName")
            others = ["set properties.customSubDomainName"] if nameless else []
            yield compare(environment, resource, wanted, others)


@check("SEC-02")
def models_take_tokens(project: Project) -> Iterator[Finding]:
    """SEC-02: endpoints of own models take Entra tokens; where they cannot, only the gateway reads the key.

    Looks at `authMode` of every endpoint and, for keys, at who reads the secrets of the key vault.
    Source: https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-online-endpoint
    """
    yield from presence(project, WORKSPACE)
    secrets_user = decision_table("roles")["keyVaultSecretsUser"]["id"].lower()
    for environment, endpoint in located(project, ONLINE_ENDPOINT, BATCH_ENDPOINT):
        by_key = project.answers["own_model_hosting"] == "kubernetes" and same(endpoint.type, ONLINE_ENDPOINT)
        yield compare(environment, endpoint, {"properties.authMode": "Key" if by_key else "AADToken"})
        if not by_key or not project.answers["new_gateway"]:
            continue
        readers = {
            principal(item)
            for item in environment.of_type(ROLE_ASSIGNMENT)
            if role_id(item) == secrets_user and same(type_of_id(str(item.scope)), VAULT)
            # The vault of the orchestrator holds another key.
            and "-orchestrator/" not in str(item.scope).lower()
        }
        faults = [f"{item} reads the key, let only the gateway do so" for item in sorted(readers) if not _calls(item)]
        faults += [] if readers else ["let the gateway read the key from the key vault"]
        yield verdict(f"{label(environment, endpoint)} key", faults, str(endpoint))
    for environment in project.environments.values():
        for kind, asked in ((ONLINE_ENDPOINT, "serving"), (BATCH_ENDPOINT, "batch")):
            due = asked in environment_facts(project.answers, environment.name)["here"]
            due = due and (kind == ONLINE_ENDPOINT or project.answers["own_batch"])
            faults = ["deploy it, own models are called there"] if due and not environment.of_type(kind) else []
            yield verdict(f"{environment.name}: {kind}", faults)


def _calls(holder: str) -> bool:
    """Whether a principal is the gateway, a new one or an existing one."""
    return belongs_to(holder, "gateway") or "microsoft.apimanagement/service" in holder


@check("SEC-03")
def storage_without_keys(project: Project) -> Iterator[Finding]:
    """SEC-03: storage has no shared keys and no public blobs; Azure ML reaches it by identity.

    Looks at every storage account, at `systemDatastoresAuthMode` of every Azure ML workspace, and at the two data roles
    that the workspace's identity needs on the storage account of the workspace.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    yield from presence(project, STORAGE)
    for environment, account in located(project, STORAGE):
        yield compare(
            environment, account, {"properties.allowSharedKeyAccess": False, "properties.allowBlobPublicAccess": False}
        )
    for environment, workspace in located(project, WORKSPACE):
        yield compare(environment, workspace, {"properties.systemDatastoresAuthMode": "Identity"})
        identity = identity_name(str(workspace.properties.get("primaryUserAssignedIdentity", "")))
        store = str(workspace.properties.get("storageAccount")).lower()
        held = {
            role_id(item)
            for item in environment.of_type(ROLE_ASSIGNMENT)
            if principal(item) == identity and str(item.scope).lower() == store
        }
        missing = {
            "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        }
        faults = [
            f"give its identity the role {name} on its storage" for name, guid in missing.items() if guid not in held
        ]
        yield verdict(label(environment, workspace), faults, str(workspace))


@check("SEC-04")
def key_vault_protection(project: Project) -> Iterator[Finding]:
    """SEC-04: every vault uses role-based access, purge protection and 90 days of soft delete; no access policies.

    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    yield from presence(project, VAULT)
    for environment, vault in located(project, VAULT):
        others = ["remove properties.accessPolicies"] if vault.properties.get("accessPolicies") else []
        yield compare(environment, vault, VAULT_PROTECTION, others)


@check("SEC-05")
def registry_closed(project: Project) -> Iterator[Finding]:
    """SEC-05: the registry has no admin user and no anonymous pull, and is Premium when it is private.

    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    yield from presence(project, REGISTRY)
    wanted: dict[str, Any] = {"properties.adminUserEnabled": False, "properties.anonymousPullEnabled": False}
    if project.answers["private"]:
        wanted["sku.name"] = "Premium"
    for environment, registry in located(project, REGISTRY):
        yield compare(environment, registry, wanted)


@check("SEC-06")
def one_identity_each(project: Project) -> Iterator[Finding]:
    """SEC-06: each component has one user-assigned identity, and no identity serves two components.

    Looks at the identities of every environment, at every resource that runs as one of them, and at workspaces,
    clusters and endpoints, which have no other. Compute instances have none: with one they would not stop when idle.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    yield from presence(project, IDENTITY)
    for environment in project.environments.values():
        for component in environment_facts(project.answers, environment.name)["here"]:
            count = sum(belongs_to(resource.name, component) for resource in environment.of_type(IDENTITY))
            faults = [] if count == 1 else [f"{count} identities, give the component exactly one"]
            yield verdict(f"{environment.name}: identity of component {component}", faults)
        yield from _named_identities(environment)
        users = _identity_users(environment)
        for identity in environment.of_type(IDENTITY):
            classes = sorted(users[identity.name.lower()])
            shared = [f"{' and '.join(classes)} share it, give each an identity of its own"] if len(classes) > 1 else []
            yield verdict(label(environment, identity), shared, str(identity))


def _named_identities(environment: Environment) -> Iterator[Finding]:
    """Workspaces, clusters and endpoints run as an identity that was made for them."""
    for resource in environment.of_type(WORKSPACE, COMPUTE, ONLINE_ENDPOINT, BATCH_ENDPOINT):
        if same(resource.type, COMPUTE) and resource.properties.get("computeType") != "AmlCompute":
            continue
        kind = str((resource.identity or {}).get("type"))
        faults = [] if kind == "UserAssigned" else [f"its identity is {kind}, give it a user-assigned one"]
        attached = {identity_name(name) for name in (resource.identity or {}).get("userAssignedIdentities") or {}}
        primary = identity_name(str(resource.properties.get("primaryUserAssignedIdentity")))
        if same(resource.type, WORKSPACE) and primary not in attached:
            faults.append("set primaryUserAssignedIdentity to its identity")
        yield verdict(f"{label(environment, resource)} runs as its own identity", faults, str(resource))


def _identity_users(environment: Environment) -> dict[str, set[str]]:
    """Name of each identity -> the classes of components that run as it."""
    users: dict[str, set[str]] = defaultdict(set)
    for resource in environment.resources:
        attached = (resource.identity or {}).get("userAssignedIdentities") or {}
        for reference in attached:
            name = identity_name(reference)
            if name:
                users[name].add(_component_class(environment, resource))
    return users


def _component_class(environment: Environment, resource: Resource) -> str:
    """What a resource is a part of.

    The machine that builds images and the storage of its own belong to a workspace, a cluster to its batch endpoint, an
    attached Kubernetes cluster to the models that run on it.
    """
    if same(resource.type, STORAGE):
        owned = [str(item.properties.get("storageAccount")).lower() for item in environment.of_type(WORKSPACE)]
        return WORKSPACE if resource.id.lower() in owned else resource.type
    if same(resource.type, COMPUTE):
        if same(resource.properties.get("computeType"), "Kubernetes"):
            return COMPONENT_CLASSES[ONLINE_ENDPOINT.lower()]
        parent = str(resource.parent_id).lower()
        workspace = next((item for item in environment.of_type(WORKSPACE) if item.id.lower() == parent), None)
        if workspace and workspace.properties.get("imageBuildCompute") == resource.name.rpartition("/")[2]:
            return WORKSPACE
        if any(str(item.parent_id).lower() == parent for item in environment.of_type(BATCH_ENDPOINT)):
            return COMPONENT_CLASSES[BATCH_ENDPOINT.lower()]
    return COMPONENT_CLASSES.get(resource.type.lower(), resource.type)


def belongs_to(identity: str, component: str) -> bool:
    """Whether an identity is the one of a component: its name ends with the environment and the component."""
    return bool(re.search(rf"-(dev|test|prod)-{re.escape(component)}$", identity, re.IGNORECASE))


def role_id(assignment: Resource) -> str:
    """GUID of the role that an assignment gives, in lower case."""
    return str(assignment.properties.get("roleDefinitionId", "")).rpartition("/")[2].lower()


def principal(assignment: Resource) -> str:
    """Who gets the role: name of a user-assigned identity of the platform, or the principal id as it is written."""
    text = str(assignment.properties.get("principalId", ""))
    return identity_name(text) or text.lower()


@check("SEC-07")
def least_privilege(project: Project) -> Iterator[Finding]:
    """SEC-07: roles are given at resource scope, from one file, once, and only those that a component needs.

    Looks at every role assignment (name, principal type, role, scope, duplicates), at `infra/roles.json`, and at what
    the components of the answers need.
    Source: https://learn.microsoft.com/azure/role-based-access-control/best-practices
    """
    yield from presence(project, RESOURCE_GROUP)
    roles = roles_of(project)
    yield from _roles_file(roles)
    for environment in project.environments.values():
        assignments = environment.of_type(ROLE_ASSIGNMENT)
        copies = Counter((str(item.scope).lower(), principal(item), role_id(item)) for item in assignments)
        definitions = [item for item in project.by_hand.get(environment.name, ()) if same(item.type, ROLE_DEFINITION)]
        own = {item.name.lower() for item in definitions}
        for item in definitions:
            yield _own_role(environment, item)
        yield _within_reach(environment)
        for item in assignments:
            faults = assignment_faults(item, own | {row["id"].lower() for row in roles.values()})
            if copies[(str(item.scope).lower(), principal(item), role_id(item))] > 1:
                faults.append("the same role is given to the same principal on the same scope twice, keep one")
            yield verdict(_assignment(environment, item), faults, str(item))
        yield from _needed_roles(project, environment)


def roles_of(project: Project) -> dict[str, dict[str, str]]:
    """The rows of `infra/roles.json`: key -> id and name; empty when the file is absent."""
    return object_of(project.root / "infra" / "roles.json")


def _roles_file(roles: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    if not roles:
        yield Finding(False, "infra/roles.json", "infra/roles.json is absent or empty: list every role there.")
    known = {str(row["id"]).lower(): row["name"] for row in decision_table("roles").values()}
    for key, row in roles.items():
        right = known.get(row["id"].lower()) == row["name"]
        faults = [] if right else [f"{row['id']} is not {row['name']} in generator/decisions/roles.yml, correct it"]
        yield verdict(f"infra/roles.json: {key}", faults)


def assignment_faults(assignment: Resource, known_roles: set[str]) -> list[str]:
    """What is wrong with one role assignment by itself."""
    faults = []
    principal_type = assignment.properties.get("principalType")
    scope = type_of_id(str(assignment.scope))
    if not (GUID.fullmatch(assignment.name) or assignment.name.startswith("[guid(")):
        faults.append("its name is no GUID, make it guid(scope, principal, role)")
    if principal_type not in ("ServicePrincipal", "Group"):
        faults.append(f"principalType is {principal_type or 'not set'}, set it to ServicePrincipal or Group")
    if belongs_to(principal(assignment), "pipeline") and scope == "subscription":
        return faults + _pipeline_faults(assignment)
    if role_id(assignment) in FORBIDDEN_ROLES:
        faults.append(f"it gives {FORBIDDEN_ROLES[role_id(assignment)]}, give a narrower role")
    elif role_id(assignment) not in known_roles:
        faults.append(f"role {role_id(assignment) or 'none'} is not in infra/roles.json, take the role from there")
    if scope == "subscription" or (scope == "resource group" and principal_type != "Group"):
        faults.append(f"its scope is the whole {scope}, narrow it to one resource")
    return faults


def _pipeline_faults(assignment: Resource) -> list[str]:
    """What is wrong with a role of the pipeline, the only identity with roles on its subscription.

    It deploys everything, so it contributes, gives roles, assigns policies and denies deletion; a condition keeps it
    from giving roles without limits.
    """
    table = decision_table("roles")
    if role_id(assignment) in [table[key]["id"] for key in PIPELINE_ROLES]:
        return []
    if role_id(assignment) != table["roleBasedAccessControlAdministrator"]["id"]:
        return ["the pipeline contributes, gives roles and keeps stacks: take its other roles on the subscription away"]
    condition = str(assignment.properties.get("condition") or "").lower()
    faults = [] if assignment.properties.get("conditionVersion") == "2.0" else ["set conditionVersion to 2.0"]
    for action in ("write", "delete"):
        if f"roleassignments/{action}" not in condition:
            faults.append(f"its condition must restrict which role assignments it may {action}")
    for key in ("owner", "userAccessAdministrator", "roleBasedAccessControlAdministrator"):
        if condition.count(table[key]["id"].lower()) < 2:
            faults.append(f"its condition must withhold {table[key]['name']}")
    return faults


def _within_reach(environment: Environment) -> Finding:
    """What the identity of the pipelines deploys, it may write: of what governs access, assignments alone."""
    kinds = {item.type for item in environment.resources if item.type.lower().startswith("microsoft.authorization/")}
    beyond = sorted(kind for kind in kinds if kind.lower() not in PIPELINE_WRITES)
    faults = [f"the identity of the pipelines may not write {kind}, let a person deploy it apart" for kind in beyond]
    return verdict(f"{environment.name}: infra/main.bicep", faults)


def _own_role(environment: Environment, definition: Resource) -> Finding:
    """A role of our own allows single actions."""
    permissions = definition.properties.get("permissions") or []
    actions = [item for row in permissions for key in ("actions", "dataActions") for item in row.get(key) or []]
    faults = [f"it allows {item}, name the single actions" for item in actions if "*" in item]
    faults += [] if actions else ["it allows nothing, remove it"]
    return verdict(label(environment, definition), faults, str(definition))


def _assignment(environment: Environment, assignment: Resource) -> str:
    return f"{environment.name}: role {role_id(assignment)} for {principal(assignment)} on {assignment.scope}"


def _needed_roles(project: Project, environment: Environment) -> Iterator[Finding]:
    """The "must exist" half of SEC-07: every access that the answers give a component is there."""
    held = {
        (principal(item), role_id(item), type_of_id(str(item.scope)), str(item.scope).lower().rpartition("/")[2])
        for item in environment.of_type(ROLE_ASSIGNMENT)
    }
    table = decision_table("roles")
    for component, role, scope, name in needed_access(project, environment.name):
        guid = table[role]["id"].lower()
        found = any(
            belongs_to(holder, component) and has == guid and on == scope.lower() and name in ("", target)
            for holder, has, on, target in held
        )
        what = f"{table[role]['name']} on {scope}{' ' + name if name else ''}"
        yield verdict(
            f"{environment.name}: {component} holds {what}",
            [] if found else [f"give the identity of {component} the role {what}"],
        )


def needed_access(project: Project, environment: str) -> Iterator[tuple[str, str, str, str]]:
    """Rows of component, role key, type of the scope and its name (empty for any) that the answers ask for."""
    for row in project.answers["components"]:
        if environment not in row["environments"]:
            continue
        for container in row["reads"]:
            yield row["name"], "storageBlobDataReader", CONTAINER, container
        for container in row["writes"]:
            yield row["name"], "storageBlobDataContributor", CONTAINER, container
        if row["name"] in project.answers["databricks_connectors"]:
            # Unity Catalog hands out short access, signed with a key that an identity asks the account for.
            yield row["name"], "storageBlobDelegator", STORAGE, ""
        if row["pulls_images"]:
            yield row["name"], "acrPull", REGISTRY, ""
        if row["sends_telemetry"]:
            yield row["name"], "monitoringMetricsPublisher", INSIGHTS, ""


@check("SEC-08")
def only_the_gateway_calls(project: Project) -> Iterator[Finding]:
    """SEC-08: only the gateway, the orchestrator, batch runs and the operators hold a role that calls a model.

    Looks at every assignment of a role that calls foundation models or scores own ones, and at what the gateway needs.
    Source: https://learn.microsoft.com/azure/well-architected/ai/architecture-pattern
    """
    yield from presence(project, RESOURCE_GROUP)
    callers = ("gateway", "orchestrator", "batch")
    for environment in project.environments.values():
        roles = _calling_roles(project, environment)
        held = [item for item in environment.of_type(ROLE_ASSIGNMENT) if role_id(item) in roles]
        for item in held:
            holder = principal(item)
            allowed = _calls(holder) or any(belongs_to(holder, name) for name in callers)
            allowed = allowed or holder == project.answers["operators_group_id"].lower()
            # Tuning works on accounts of its own, which serve nobody.
            allowed = allowed or (belongs_to(holder, "tuning") and str(item.scope).endswith("-tuning"))
            faults = [] if allowed else [f"{holder} must not call models, take the role away"]
            yield verdict(_assignment(environment, item), faults, str(item))
        # Content safety needs a role of its own, which is not the one that calls a model.
        examines = decision_table("roles")["cognitiveServicesUser"]["id"].lower()
        reached = {str(item.scope).lower() for item in held if _calls(principal(item)) and role_id(item) != examines}
        for target in _called(environment):
            faults = [] if target.id.lower() in reached else ["give the gateway the role that calls it"]
            yield verdict(f"{label(environment, target)} is called by the gateway", faults, str(target))


def _calling_roles(project: Project, environment: Environment) -> set[str]:
    """GUIDs of the roles that call models: the built-in ones, and those of our own that score."""
    table = decision_table("roles")
    scoring = {
        item.name.lower()
        for item in project.by_hand.get(environment.name, ())
        if "/score/action" in json.dumps(item.properties)
    }
    return scoring | {
        table[key]["id"].lower()
        for key in ("cognitiveServicesOpenAIUser", "cognitiveServicesOpenAIContributor", "cognitiveServicesUser")
    }


def _called(environment: Environment) -> Iterator[Resource]:
    """Accounts with deployments, and endpoints that take tokens: what the gateway calls by its identity."""
    deployments = [str(item.parent_id).lower() for item in environment.of_type(DEPLOYMENT)]
    yield from (item for item in environment.of_type(ACCOUNT) if item.id.lower() in deployments)
    for endpoint in environment.of_type(ONLINE_ENDPOINT):
        if same(endpoint.properties.get("authMode"), "AADToken"):
            yield endpoint


@check("SEC-09")
def people_in_groups(project: Project) -> Iterator[Finding]:
    """SEC-09: people get access through the two Entra groups, and only read in prod.

    Looks at every role assignment to something else than an identity, and at the operators' access to every resource
    group. Source: https://learn.microsoft.com/azure/well-architected/ai/operations
    """
    groups = {project.answers[key].lower() for key in ("operators_group_id", "data_scientists_group_id")}
    readers = {row["id"].lower() for row in decision_table("roles").values() if row["reader"]}
    for environment in project.environments.values():
        for item in environment.of_type(ROLE_ASSIGNMENT):
            if item.properties.get("principalType") != "ServicePrincipal":
                yield verdict(
                    _assignment(environment, item), _people_faults(item, groups, readers, environment.name), str(item)
                )
        yield from _operators_read(project, environment)


def _people_faults(item: Resource, groups: set[str], readers: set[str], environment: str) -> list[str]:
    faults = []
    if item.properties.get("principalType") != "Group":
        faults.append(f"principalType is {item.properties.get('principalType') or 'not set'}, give the role to a group")
    if principal(item) not in groups:
        faults.append(f"{principal(item)} is neither the operators' nor the data scientists' group, use one of them")
    if environment == "prod" and role_id(item) not in readers:
        faults.append(f"role {role_id(item)} lets people change prod by hand, give a reader role")
    return faults


def _operators_read(project: Project, environment: Environment) -> Iterator[Finding]:
    operators = project.answers["operators_group_id"].lower()
    reader = decision_table("roles")["reader"]["id"].lower()
    scopes = {
        str(item.scope).lower()
        for item in environment.of_type(ROLE_ASSIGNMENT)
        if principal(item) == operators and role_id(item) == reader
    }
    for group in environment.of_type(RESOURCE_GROUP):
        faults = [] if group.id.lower() in scopes else ["give the operators' group the role Reader on it"]
        yield verdict(f"{label(environment, group)} is read by the operators", faults, str(group))


@check("SEC-10")
def no_secret_leaves(project: Project) -> Iterator[Finding]:
    """SEC-10: no output of the template carries a secret, and the linter would refuse one.

    Looks at the two linter rules, at every Bicep file, and at the outputs of main.json and of every module in it. One
    file may read a secret: see `tables.SECRETS_IN_USE`.
    Source: https://learn.microsoft.com/azure/azure-resource-manager/bicep/linter-rule-outputs-should-not-contain-secrets
    """
    yield from linter_findings(project, LINTER_RULES_FOR_SECRETS)
    for path, text in bicep_files(project.root):
        found = SECRET_FUNCTION.findall(re.sub(r"(?m)^\s*//.*$", "", text))
        found = [] if found == SECRETS_IN_USE.get(path) else found
        yield verdict(path, [f"remove {name.rstrip('( ')} and let callers use their identity" for name in found])
    yield from _outputs(project.template)


def _outputs(template: Mapping[str, Any]) -> Iterator[Finding]:
    for path, inner in nested_templates(template):
        faults = []
        for key, output in (inner.get("outputs") or {}).items():
            if SECRET_FUNCTION.search(json.dumps(output)):
                faults.append(f"output {key} hands out a key, remove it")
            elif SECRET_NAME.search(key):
                faults.append(f"output {key} looks like a secret, remove it or rename it")
        yield verdict(f"{path}: outputs", faults)


@check("SEC-11")
def customer_managed_keys(project: Project) -> Iterator[Finding]:
    """SEC-11: with customer-managed keys everything that can be is encrypted with them, and nothing without.

    Looks at the encryption of storage, registry, Azure ML workspaces and model accounts, at the rotation policy of
    every key, and at the role and the identity that reach it.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    asked = project.answers["customer_managed_keys"]
    targets = [(environment, item) for environment, item in located(project, *OWN_KEY)]
    if asked:
        yield from presence(project, KEY)
    elif not targets:
        raise DoesNotApply("Nothing here is encrypted with a key that could be the customer's own.")
    for environment, resource in targets:
        yield _encryption(environment, resource, asked)
    for environment, key in located(project, KEY):
        actions = value_at(key.body, "properties.rotationPolicy.lifetimeActions") or []
        rotates = any(same(value_at(row, "action.type"), "rotate") for row in actions)
        yield verdict(label(environment, key), [] if rotates else ["add a rotation policy that rotates it"], str(key))


def _encryption(environment: Environment, resource: Resource, asked: bool) -> Finding:
    wanted = next(rules for name, rules in OWN_KEY.items() if same(name, resource.type))
    encrypted = compare(environment, resource, wanted)
    if not asked:
        faults = ["nobody asked for a customer-managed key, remove its encryption"] if encrypted.holds else []
        return verdict(encrypted.evidence, faults, str(resource))
    if not encrypted.holds:
        return encrypted
    attached = {identity_name(item) for item in (resource.identity or {}).get("userAssignedIdentities") or {}}
    role = decision_table("roles")["keyVaultCryptoServiceEncryptionUser"]["id"].lower()
    holders = {
        principal(item)
        for item in environment.of_type(ROLE_ASSIGNMENT)
        if role_id(item) == role and type_of_id(str(item.scope)) == KEY.lower()
    }
    faults = [] if attached & holders else [f"give its identity the role {role} on the key"]
    return verdict(encrypted.evidence, faults, str(resource))


@check("SEC-12")
def content_filter_each(project: Project) -> Iterator[Finding]:
    """SEC-12: every model deployment names a content filter that its account has, as strict as was answered.

    Looks at `raiPolicyName` of every deployment, and at the filters of every policy: four harms on both sides, each
    blocking, and the shields against attacks where they were asked for.
    Source: https://learn.microsoft.com/azure/well-architected/ai/responsible-ai
    """
    yield from presence(project, ACCOUNT)
    level = project.answers["content_safety"]
    for environment, deployment in located(project, DEPLOYMENT):
        name = str(deployment.properties.get("raiPolicyName") or "")
        own = {
            item.name.rpartition("/")[2]
            for item in environment.of_type(FILTER)
            if item.parent_id == deployment.parent_id
        }
        allowed = own or ({"Microsoft.DefaultV2"} if level == "off" else set())
        faults = [] if name in allowed else [f"raiPolicyName is {name or 'not set'}, name a filter of its account"]
        yield verdict(label(environment, deployment), faults, str(deployment))
    for environment, policy in located(project, FILTER):
        yield verdict(label(environment, policy), _filter_faults(policy, project.answers), str(policy))


def _filter_faults(policy: Resource, answers: Mapping[str, Any]) -> list[str]:
    rows = policy.properties.get("contentFilters") or []
    blocking = {(row["name"], row["source"]): row for row in rows if row.get("enabled") and row.get("blocking")}
    faults = []
    # The stricter the answer, the lower the severity that is blocked already.
    threshold = {"low": "High", "medium": "Medium", "high": "Low"}.get(answers["content_safety"])
    for harm, side in ((harm, side) for harm in HARMS for side in ("Prompt", "Completion") if threshold):
        row = blocking.get((harm, side))
        if row is None:
            faults.append(f"block {harm} in the {side.lower()}")
        elif row.get("severityThreshold") != threshold:
            faults.append(f"severityThreshold of {harm} in the {side.lower()} must be {threshold}")
    if answers["foundation_online"] and answers["prompt_shields"] and ("Jailbreak", "Prompt") not in blocking:
        faults.append("block Jailbreak in the prompt")
    return faults


POLICY = "Microsoft.Authorization/policyAssignments"


@check("SEC-13")
def policies_watch(project: Project) -> Iterator[Finding]:
    """SEC-13: built-in policies on the resource groups audit, and deny in prod; the template keeps them itself.

    Looks at every assignment (definition, effect, scope), at whether each kind of resource that a policy of the table
    looks at is watched where it is, and at whether the resources of the template would pass the rules that deny.
    Source: https://learn.microsoft.com/azure/governance/policy/concepts/effect-basics
    """
    yield from presence(project, RESOURCE_GROUP)
    table = decision_table("policies")
    for environment in project.environments.values():
        effect = "Deny" if environment.name == "prod" else "Audit"
        watched: dict[str, set[str]] = defaultdict(set)
        for item in environment.of_type(POLICY):
            row = table.get(item.name, {})
            watched[str(item.scope).lower()].add(item.name)
            yield verdict(label(environment, item), _policy_faults(item, row, effect), str(item))
        yield from _unwatched(project, environment, watched)
        for scope, names in watched.items():
            yield from _self_denied(environment, scope, {name: table[name] for name in names & set(table)})


def _policy_faults(item: Resource, row: Mapping[str, Any], effect: str) -> list[str]:
    """What is wrong with one assignment."""
    given = str(value_at(item.properties, "parameters.effect.value"))
    wanted = row.get("audits", effect)
    faults = [] if given == wanted else [f"its effect is {given}, set {wanted}"]
    if not str(item.properties.get("policyDefinitionId")).endswith(f"/{row.get('id')}"):
        faults.append("its definition is not that of generator/decisions/policies.yml, correct it")
    if item.name in REFUSED_POLICIES:
        faults.append(f"never assign it: {row['refused'].rstrip('.')}")
    if type_of_id(str(item.scope)) != "resource group":
        faults.append("assign it at a resource group")
    if item.properties.get("enforcementMode", "Default") != "Default":
        faults.append("enforce it")
    return faults


def _unwatched(project: Project, environment: Environment, watched: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Every policy of the table is assigned where its resources are, as far as the answers ask for what it wants."""
    private, controlled = project.answers["private"], project.answers["controlled"]
    asked = {"ai-services-private": private, "ml-workspace-private": private, "ml-workspace-network": private}
    asked |= {"kubernetes-network": private, "ml-workspace-outbound": controlled}
    for name, row in decision_table("policies").items():
        if name in REFUSED_POLICIES or not asked.get(name, True):
            continue
        for resource in _seen_by(environment, row):
            scope = _group_of(resource)
            # Storage that a workspace brings is its own.
            if watched.get(scope) is None or (name in OWN_STORES and not scope.endswith(STORES)):
                continue
            faults = [] if name in watched[scope] else [f"assign {name} at {scope.rpartition('/')[2]}"]
            yield verdict(f"{label(environment, resource)}: {name}", faults, str(resource))
    due = {item.id.lower() for item in environment.of_type(RESOURCE_GROUP) if item.name.endswith(WATCHED_GROUPS)}
    for scope in sorted(due - set(watched)):
        yield verdict(f"{environment.name}: {scope.rpartition('/')[2]}", ["assign its policies, nothing watches it"])


REFUSED_POLICIES = ("container-app-network", "ml-compute-network", "gateway-backend-credentials")
OWN_STORES = ("vault-roles", "vault-deletion", "storage-keys", "registry-administrator")
"""Policies of vaults, storage and registries."""
WATCHED_GROUPS = (
    *STORES,
    *("-exploration", "-training", "-foundation", "-tuning", "-inference", "-kubernetes", "-gateway"),
)


def _seen_by(environment: Environment, row: Mapping[str, Any]) -> list[Resource]:
    """Resources that a policy looks at."""
    computes = row.get("computes")
    return [
        item
        for item in environment.of_type(row["type"])
        if computes is None or item.properties.get("computeType") in computes
    ]


def _group_of(resource: Resource) -> str:
    return "/".join(resource.id.lower().split("/")[:5])


def _self_denied(environment: Environment, scope: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Resources of the template that a policy of their group would refuse."""
    for name, row in rows.items():
        for resource in _seen_by(environment, row):
            if _group_of(resource) != scope:
                continue
            found = {path: value_at(resource.body, path) for path in row.get("wanted", {})}
            faults = [
                f"policy {name} would refuse it: {path} is {found[path]}, set {value}"
                for path, value in row.get("wanted", {}).items()
                if not (found[path] if value == "*" else _equal(found[path], value))
            ]
            yield verdict(f"{label(environment, resource)}: {name}", faults, str(resource))


def _equal(found: Any, wanted: Any) -> bool:
    """Whether two values are the same to a policy, which does not mind case or an absent false."""
    return found == wanted or str(found).lower() == str(wanted).lower() or (wanted is False and found is None)
