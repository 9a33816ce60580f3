"""What somebody breaks in the files of a project: Bicep, policies, parameters, pipelines, pages.

Unlike the other modules, which change evaluated resources, every row here edits a rendered project as a person would.
The project is then compiled and evaluated anew, and every requirement is judged as `groundplan verify` judges it.
"""

from tests.checks_support import Fault, both, edit, remove
from tests.mutations.common import CENTRAL, CHAT, DEFAULT, KUBERNETES, REGULATED

MODULES = "infra/modules"
MAIN = "infra/main.bicep"
PROD = "infra/prod.bicepparam"
GITHUB = ".github/workflows"
ACCOUNT = f"{MODULES}/foundry/account.bicep"
FOUNDATION = f"{MODULES}/gateway/foundation-api.bicep"
GATEWAY = f"{MODULES}/gateway/service.bicep"
NETWORK = f"{MODULES}/network/virtual-network.bicep"
STORAGE = f"{MODULES}/platform/storage.bicep"
VAULT = f"{MODULES}/platform/key-vault.bicep"
REGISTRY = f"{MODULES}/platform/container-registry.bicep"
WORKSPACE = f"{MODULES}/machine-learning/workspace.bicep"
CLUSTERS = f"{MODULES}/machine-learning/compute-clusters.bicep"
MACHINES = f"{MODULES}/machine-learning/compute-instances.bicep"
ENDPOINT = f"{MODULES}/machine-learning/online-endpoint.bicep"
POLICY = "gateway/policies/foundation.xml"

VAULT_ENDPOINT = """module vaultEndpoint 'modules/network/private-endpoint.bicep' = {
  name: 'key-vault-endpoint'
  scope: networkGroup
  params: {
    name: purposeName('pep', workload, environmentName, 'key-vault')
    location: location
    subnetId: '${network.outputs.id}/subnets/private-endpoints'
    targetId: keyVault.outputs.id
    groupId: 'vault'
    zoneIds: map(dnsZones.vault, zone => '${zoneRoot}/${zone}')
    tags: tags
  }
  dependsOn: [privateDnsZones]
}
"""

SOURCES: list[Fault] = [
    # Network.
    ("NET-02", DEFAULT, "the private endpoint of the key vault is gone", edit(MAIN, VAULT_ENDPOINT, "")),
    (
        "NET-02",
        DEFAULT,
        "the private endpoint of storage is for files instead of blobs",
        edit(MAIN, "    groupId: 'blob'", "    groupId: 'file'"),
    ),
    (
        "NET-03",
        DEFAULT,
        "the registry's private endpoint registers in the zone of the vault",
        edit(MAIN, "zoneIds: map(dnsZones.registry,", "zoneIds: map(dnsZones.vault,"),
    ),
    (
        "NET-03",
        DEFAULT,
        "a letter is wrong in the zone of storage",
        edit("infra/private-dns-zones.json", "privatelink.blob.core.windows.net", "privatelink.blobs.core.windows.net"),
    ),
    (
        "NET-03",
        DEFAULT,
        "an account of models registers without the zone of Azure OpenAI",
        edit("infra/private-dns-zones.json", '    "privatelink.openai.azure.com",\n', ""),
    ),
    (
        "NET-01",
        DEFAULT,
        "the public endpoint of the key vault is opened",
        edit(
            MAIN,
            "    hardwareKeys: false\n    publicAccess: false\n",
            "    hardwareKeys: false\n    publicAccess: true\n",
        ),
    ),
    (
        "NET-01",
        CHAT,
        "the account of models lets everybody in",
        edit(ACCOUNT, "defaultAction: 'Deny'", "defaultAction: 'Allow'"),
    ),
    (
        "NET-05",
        DEFAULT,
        "machines of a cluster get public addresses",
        edit(CLUSTERS, "enableNodePublicIp: false", "enableNodePublicIp: true"),
    ),
    (
        "NET-05",
        DEFAULT,
        "machines for exploration open SSH to everybody",
        edit(MACHINES, "sshPublicAccess: 'Disabled'", "sshPublicAccess: 'Enabled'"),
    ),
    (
        "NET-07",
        DEFAULT,
        "subnets use the platform's default way out again",
        edit(NETWORK, "item.egress == 'own' ? null : false", "item.egress == 'own' ? null : true"),
    ),
    (
        "NET-04",
        DEFAULT,
        "the managed network of a workspace lets everything out",
        edit(
            WORKSPACE,
            "isolationMode: approvedOutboundOnly ? 'AllowOnlyApprovedOutbound' : 'AllowInternetOutbound'",
            "isolationMode: 'Disabled'",
        ),
    ),
    (
        "NET-06",
        REGULATED,
        "traffic goes to the internet past the firewall",
        edit(NETWORK, "nextHopType: 'VirtualAppliance'", "nextHopType: 'Internet'"),
    ),
    # Keys, identities and data.
    (
        "SEC-01",
        DEFAULT,
        "keys open the account of models",
        edit(ACCOUNT, "disableLocalAuth: true", "disableLocalAuth: false"),
    ),
    (
        "SEC-03",
        DEFAULT,
        "account keys open storage",
        edit(STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
    ),
    (
        "SEC-03",
        DEFAULT,
        "anonymous readers may be let into storage",
        edit(STORAGE, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
    ),
    (
        "SEC-02",
        DEFAULT,
        "the endpoint of own models takes keys",
        edit(ENDPOINT, "authMode: empty(computeId) ? 'AADToken' : 'Key'", "authMode: 'Key'"),
    ),
    (
        "SEC-04",
        DEFAULT,
        "the key vault can be purged",
        edit(VAULT, "    enablePurgeProtection: true\n", ""),
    ),
    (
        "SEC-04",
        DEFAULT,
        "the key vault goes back to access policies",
        edit(VAULT, "enableRbacAuthorization: true", "enableRbacAuthorization: false\n    accessPolicies: []"),
    ),
    (
        "SEC-05",
        DEFAULT,
        "the registry has an admin user",
        edit(REGISTRY, "adminUserEnabled: false", "adminUserEnabled: true"),
    ),
    (
        "SEC-07",
        DEFAULT,
        "components write where they should read",
        edit(STORAGE, "roleId: roleIds.reader\n      }),", "roleId: roleIds.contributor\n      }),"),
    ),
    (
        "SEC-11",
        REGULATED,
        "storage is encrypted with keys of the platform",
        edit(
            STORAGE,
            "keySource: encryption == null ? 'Microsoft.Storage' : 'Microsoft.Keyvault'",
            "keySource: 'Microsoft.Storage'",
        ),
    ),
    (
        "SEC-12",
        DEFAULT,
        "models answer without the content filter of the project",
        edit(ACCOUNT, "      raiPolicyName: filtered ? filter.name : 'Microsoft.DefaultV2'\n", ""),
    ),
    # Models.
    (
        "INF-07",
        DEFAULT,
        "models are upgraded by themselves",
        edit(
            ACCOUNT, "versionUpgradeOption: 'NoAutoUpgrade'", "versionUpgradeOption: 'OnceNewDefaultVersionAvailable'"
        ),
    ),
    (
        "GEN-05",
        DEFAULT,
        "a model of prod processes anywhere in the world",
        edit(PROD, "sku: 'DataZoneStandard'", "sku: 'GlobalStandard'"),
    ),
    (
        "SDP-10",
        DEFAULT,
        "the template sets the traffic of the endpoint",
        edit(
            ENDPOINT,
            "      publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'\n    },",
            "      publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'\n      traffic: { blue: 100 }\n    },",
        ),
    ),
    (
        "TRN-03",
        DEFAULT,
        "a cluster keeps a machine running",
        edit(CLUSTERS, "minNodeCount: 0", "minNodeCount: 1"),
    ),
    (
        "EDA-02",
        DEFAULT,
        "machines for exploration do not stop when idle",
        edit(MACHINES, "        idleTimeBeforeShutdown: 'PT${hours.idleMinutes}M'\n", ""),
    ),
    # Gateway.
    (
        "GW-07",
        REGULATED,
        "the second region is asked before the first",
        edit(
            MAIN,
            "{ provisioned: 1, primary: 2, secondary: 3 }",
            "{ provisioned: 1, primary: 3, secondary: 2 }",
        ),
    ),
    (
        "GW-08",
        DEFAULT,
        "back ends have no circuit breaker",
        both(
            edit(FOUNDATION, "      circuitBreaker: length(members) > 1 ? breaker : loneBreaker\n", ""),
            edit(FOUNDATION, "import { breaker, fill, loneBreaker } from", "import { fill } from"),
        ),
    ),
    (
        "GW-08",
        REGULATED,
        "the circuit breaker ignores Retry-After",
        edit(f"{MODULES}/gateway/policy.bicep", "acceptRetryAfter: true", "acceptRetryAfter: false"),
    ),
    (
        "GW-02",
        DEFAULT,
        "the caller's key travels on to the model",
        edit(POLICY, '    <set-header name="api-key" exists-action="delete" />\n', ""),
    ),
    (
        "GW-02",
        DEFAULT,
        "the gateway calls models without its identity",
        edit(
            POLICY,
            "    <authentication-managed-identity"
            ' resource="https://cognitiveservices.azure.com" client-id="{{gateway-client-id}}" />\n',
            "",
        ),
    ),
    (
        "GW-03",
        DEFAULT,
        "callers need no token any more",
        edit(
            "gateway/policies/models.xml",
            """    <validate-azure-ad-token tenant-id="{{tenant-id}}" header-name="Authorization" """
            """failed-validation-httpcode="401" failed-validation-error-message="Present an Entra token for this """
            """gateway in the Authorization header.">
      <audiences>
        <audience>{{audience}}</audience>
      </audiences>
    </validate-azure-ad-token>
""",
            "",
        ),
    ),
    (
        "GW-05",
        DEFAULT,
        "consumers have no quota of tokens a month",
        edit(
            "gateway/policies/consumer.xml",
            'token-quota="{{monthly-token-quota}}" token-quota-period="Monthly" ',
            "",
        ),
    ),
    (
        "GW-06",
        DEFAULT,
        "tokens are not measured",
        edit(POLICY, '      <dimension name="Subscription ID" />\n', ""),
    ),
    (
        "GW-09",
        DEFAULT,
        "retries never end",
        edit(POLICY, 'count="{{retries}}"', 'count="50"'),
    ),
    (
        "GW-10",
        DEFAULT,
        "prompts are not examined for attacks",
        edit(POLICY, 'shield-prompt="true"', 'shield-prompt="false"'),
    ),
    (
        "GW-13",
        CENTRAL,
        "a policy is no well-formed XML",
        edit(POLICY, "  </outbound>\n", "  <outbound>\n"),
    ),
    (
        "GW-15",
        REGULATED,
        "the gateway speaks old protocols",
        edit(GATEWAY, "item => 'False'", "item => 'True'"),
    ),
    (
        "GW-14",
        DEFAULT,
        "prod runs on a tier without a service level",
        edit(PROD, "sku: 'PremiumV2'", "sku: 'BasicV2'"),
    ),
    # Monitoring and cost.
    (
        "MON-01",
        DEFAULT,
        "the key vault sends logs only where keys are in hardware",
        edit(
            VAULT,
            "diagnosticSettings@2021-05-01-preview' = {",
            "diagnosticSettings@2021-05-01-preview' = if (hardwareKeys) {",
        ),
    ),
    (
        "MON-01",
        DEFAULT,
        "logs of prod are kept for 30 days instead of 90",
        edit(PROD, "param logRetentionInDays = 90", "param logRetentionInDays = 30"),
    ),
    (
        "MON-02",
        DEFAULT,
        "outside dev, alerts on logs tell nobody",
        edit(
            f"{MODULES}/monitoring/query-alerts.bicep",
            "        actionGroups: [\n          actionGroupId\n        ]\n",
            "        actionGroups: environmentName == 'dev' ? [actionGroupId] : []\n",
        ),
    ),
    ("MON-02", DEFAULT, "the runbook of an alert is deleted", remove("docs/runbooks/throttling.md")),
    (
        "MON-13",
        DEFAULT,
        "a runbook does not say how to verify",
        edit("docs/runbooks/storage.md", "## Verify", "## Afterwards"),
    ),
    (
        "COST-01",
        DEFAULT,
        "the budget says nothing of the forecast",
        both(
            edit(f"{MODULES}/monitoring/budget.bicep", "type: 'Forecasted'", "type: 'Actual'"),
            edit(f"{MODULES}/monitoring/budget.bicep", "type: 'Forecasted'", "type: 'Actual'"),
        ),
    ),
    # Reliability and what holds everywhere.
    (
        "REL-01",
        DEFAULT,
        "prod is not spread over zones",
        edit(PROD, "zoneRedundant = true", "zoneRedundant = false"),
    ),
    (
        "GEN-04",
        DEFAULT,
        "prod lies in another region",
        edit(PROD, "param location = 'swedencentral'", "param location = 'westeurope'"),
    ),
    (
        "GEN-11",
        DEFAULT,
        "the key vault has one of the six tags",
        edit(VAULT, "  tags: tags\n", "  tags: { workload: tags.workload }\n"),
    ),
    (
        "GEN-08",
        DEFAULT,
        "a cluster uses machines of a retired family",
        edit(PROD, "vmSize: 'Standard_D4ds_v4'", "vmSize: 'Standard_NC6s_v3'"),
    ),
    (
        "GEN-09",
        DEFAULT,
        "an old preview of an API is used",
        edit(VAULT, "Microsoft.KeyVault/vaults@2026-02-01", "Microsoft.KeyVault/vaults@2023-08-01-preview"),
    ),
    # Delivery.
    (
        "SDP-05",
        DEFAULT,
        "an action is not pinned",
        edit(
            f"{GITHUB}/_validate.yml",
            "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
            "actions/checkout@v7",
        ),
    ),
    (
        "SDP-03",
        DEFAULT,
        "prod does not wait for test",
        edit(
            f"{GITHUB}/deploy.yml",
            "    needs: [validate, test, smoke, contract, evaluation, load]\n",
            "    needs: validate\n",
        ),
    ),
    ("SDP-08", DEFAULT, "the gate of a rollout is deleted", remove("scripts/health_gate.py")),
    (
        "SDP-08",
        KUBERNETES,
        "a step of the rollout passes without the gate",
        edit(".azuredevops/templates/rollout.yml", "      check: check ", "      check: choose "),
    ),
    ("SDP-09", DEFAULT, "nothing rolls back", edit(f"{GITHUB}/_rollout.yml", "step: rollback ", "step: choose ")),
    (
        "SDP-01",
        DEFAULT,
        "a pipeline signs in with a stored secret",
        edit(
            f"{GITHUB}/_deploy.yml",
            "      ENVIRONMENT: ${{ inputs.environment }}\n",
            "      ENVIRONMENT: ${{ inputs.environment }}\n      CLIENT_SECRET: ${{ secrets.CLIENT_SECRET }}\n",
        ),
    ),
    (
        "GW-13",
        CHAT,
        "a policy stands in the wrong section",
        edit(
            POLICY,
            "  <outbound>\n    <base />\n",
            '  <outbound>\n    <base />\n    <llm-emit-token-metric namespace="late" />\n',
        ),
    ),
    (
        "GW-16",
        DEFAULT,
        "a share of a chat model that takes over is left out",
        both(
            edit(PROD, "current: 'gpt-5.5', successor: ''", "current: 'gpt-5.5', successor: 'text-embedding-3-large'"),
            edit("infra/modules/gateway/gateway.bicep", "steps: [10, 50, 100]", "steps: [10, 100]"),
        ),
    ),
    ("GEN-03", DEFAULT, "a decision record is deleted", remove("docs/decisions/network.md")),
    ("COST-03", DEFAULT, "the page about costs is deleted", remove("docs/cost.md")),
]
"""Requirement, variant, what goes wrong, and how."""
