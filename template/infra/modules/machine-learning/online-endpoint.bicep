import { principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the workspace.')
param workspaceName string

@description('Name of the endpoint, unique in the region.')
@minLength(3)
@maxLength(32)
param name string

@description('Region.')
param location string

@description('Resource id of the attached cluster that serves; empty for machines that Azure manages.')
param computeId string = ''

@description('Identity that deployments run as.')
param identity principal

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Principal id of the gateway, which calls the endpoint.')
param callerPrincipalId string = ''

@description('Role definition (resource id) that calls and does nothing else; empty when callers present a key.')
param callerRoleId string = ''

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: workspaceName
}

// Traffic and deployments belong to the rollout: set here, the next deployment of the platform would undo it.
resource endpoint 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2026-05-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  kind: empty(computeId) ? 'Managed' : 'K8S'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: union(
    {
      // Endpoints on a cluster take no Entra tokens.
      authMode: empty(computeId) ? 'AADToken' : 'Key'
      publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    },
    empty(computeId) ? {} : { compute: computeId }
  )
}

resource call 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(callerRoleId)) {
  name: guid(endpoint.id, callerRoleId, 'caller')
  scope: endpoint
  properties: {
    principalId: callerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: callerRoleId
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: endpoint
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
}

@description('Resource id of the endpoint.')
output id string = endpoint.id

@description('Name of the endpoint.')
output name string = endpoint.name

@description('Address that scores.')
output scoringUri string = endpoint.properties.scoringUri
