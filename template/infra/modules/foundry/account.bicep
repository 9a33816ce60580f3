import { encryption as encryptionKey, principal, tags as tagSet } from '../shared/types.bicep'

@export()
@description('A model that answers under a name.')
type deployment = {
  @description('Name that callers use; the same in every account, so that one can stand in for another.')
  name: string

  @description('Name of the model.')
  model: string

  @description('Version of the model, pinned.')
  version: string

  @description('Type of the deployment: where it processes, and whether it is paid by use, provisioned or batch.')
  sku: string

  @description('Thousands of tokens a minute; provisioned throughput units for provisioned types.')
  @minValue(1)
  capacity: int
}

@description('Name of the account and of its address.')
@minLength(2)
@maxLength(64)
param name string

@description('Region.')
param location string

@description('Deployments.')
param deployments deployment[]

@description('Name of the project; empty for none.')
param projectName string

@description('How strictly prompts and answers are filtered: off leaves it to the platform\'s own default.')
@allowed(['off', 'low', 'medium', 'high'])
param contentSafety string

@description('Whether prompts are examined for attacks.')
param promptShields bool

@description('Identity of the account.')
param identity principal

@description('Role assignments on the account: who, and which roles.')
param access { name: string, principalId: string, type: 'ServicePrincipal' | 'Group', roleIds: string[] }[]

@description('Public address ranges that reach the account; empty when only private endpoints do.')
param allowedIpRanges string[] = []

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Customer-managed key; without one Microsoft manages the keys.')
param encryption encryptionKey?

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var filtered = contentSafety != 'off'
// Content of this severity and above is blocked: the stricter the filter, the lower the severity.
var threshold = contentSafety == 'high' ? 'Low' : contentSafety == 'low' ? 'High' : 'Medium'
var severityFilters = flatten(map(
  ['Hate', 'Sexual', 'Violence', 'Selfharm'],
  category =>
    map(['Prompt', 'Completion'], source => {
      name: category
      source: source
      severityThreshold: threshold
      blocking: true
      enabled: true
    })
))
var shields = promptShields
  ? [
      { name: 'Jailbreak', source: 'Prompt', blocking: true, enabled: true }
      { name: 'Indirect Attack', source: 'Prompt', blocking: true, enabled: true }
    ]
  : []
var grants = flatten(map(
  access,
  item =>
    map(item.roleIds, roleId => {
      name: item.name
      principalId: item.principalId
      type: item.type
      roleId: roleId
    })
))

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' = {
  name: name
  location: location
  tags: tags
  kind: 'AIServices'
  sku: {
    name: 'S0'
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: union(
      { '${identity.id}': {} },
      encryption == null ? {} : { '${encryption!.identityId}': {} }
    )
  }
  properties: {
    customSubDomainName: name
    allowProjectManagement: true
    disableLocalAuth: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    restrictOutboundNetworkAccess: true
    allowedFqdnList: []
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'None'
      ipRules: [for range in allowedIpRanges: { value: range }]
      virtualNetworkRules: []
    }
    encryption: encryption == null
      ? null
      : {
          keySource: 'Microsoft.KeyVault'
          keyVaultProperties: {
            keyVaultUri: encryption!.vaultUri
            keyName: encryption!.keyName
            keyVersion: encryption!.keyVersion
            identityClientId: encryption!.identityClientId
          }
        }
  }
}

resource project 'Microsoft.CognitiveServices/accounts/projects@2026-07-01' = if (!empty(projectName)) {
  parent: account
  name: empty(projectName) ? 'none' : projectName
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    displayName: projectName
  }
}

resource filter 'Microsoft.CognitiveServices/accounts/raiPolicies@2026-07-01' = if (filtered) {
  parent: account
  name: 'content-filter'
  tags: tags
  properties: {
    basePolicyName: 'Microsoft.DefaultV2'
    mode: 'Default'
    contentFilters: concat(severityFilters, shields)
  }
  dependsOn: [
    project
  ]
}

// One after the other: the account refuses changes while another one is going on.
@batchSize(1)
resource models 'Microsoft.CognitiveServices/accounts/deployments@2026-07-01' = [
  for item in deployments: {
    parent: account
    name: item.name
    tags: tags
    sku: {
      name: item.sku
      capacity: item.capacity
    }
    properties: {
      model: {
        format: 'OpenAI'
        name: item.model
        version: item.version
      }
      // A new version is a change like any other: tried, released, and taken back if need be.
      versionUpgradeOption: 'NoAutoUpgrade'
      raiPolicyName: filtered ? filter.name : 'Microsoft.DefaultV2'
    }
    dependsOn: [
      project
    ]
  }
]

resource roles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in grants: {
    name: guid(account.id, item.name, item.roleId)
    scope: account
    properties: {
      principalId: item.principalId
      principalType: item.type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.roleId)
    }
  }
]

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: account
  properties: {
    workspaceId: logAnalyticsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
  // Private endpoints refer to the id below: they must wait for everything inside the account.
  dependsOn: [
    models
  ]
}

@description('Resource id of the account.')
output id string = account.id
