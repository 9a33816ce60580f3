import { component, principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the component.')
@maxLength(260)
param name string

@description('Region.')
param location string

@description('Resource id of the Log Analytics workspace that holds the data.')
param workspaceId string

@description('Whether telemetry may be sent and read over public endpoints.')
param publicAccess bool

@description('Components of the platform; those that send telemetry may publish it.')
param components component[]

@description('Identities of the components.')
param principals principal[]

@description('Role definition of publishers.')
param publisherRoleId string

@description('Role definition of components that manage it; needed only when there are some.')
param managerRoleId string = ''

@description('Tags.')
param tags tagSet

var principalIds = toObject(principals, item => item.name, item => item.principalId)
var publishers = filter(components, item => item.sendsTelemetry)
var managers = filter(components, item => item.manages)

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
    // Without it the token metrics of the gateway lose consumer and model.
    #disable-next-line BCP037 // The type lacks this property, which the service takes.
    CustomMetricsOptedInType: 'WithDimensions'
    publicNetworkAccessForIngestion: publicAccess ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in publishers: {
    name: guid(insights.id, item.name, publisherRoleId)
    scope: insights
    properties: {
      principalId: principalIds[item.name]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', publisherRoleId)
    }
  }
]

resource manage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in managers: {
    name: guid(insights.id, item.name, managerRoleId)
    scope: insights
    properties: {
      principalId: principalIds[item.name]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', managerRoleId)
    }
  }
]

@description('Resource id of the component.')
output id string = insights.id
