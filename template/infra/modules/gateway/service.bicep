import { principal, tags as tagSet } from '../shared/types.bicep'

@export()
@description('Size of the gateway.')
type gatewaySize = {
  @description('Tier.')
  sku: 'Developer' | 'BasicV2' | 'StandardV2' | 'PremiumV2' | 'Premium'

  @description('Units.')
  @minValue(1)
  capacity: int
}

@export()
@description('How the gateway joins the network: inside it, or outside with one way in and one way out.')
type gatewayNetwork = {
  @description('Resource id of the subnet.')
  subnetId: string

  @description('Internal: the gateway is inside the subnet. External: it calls through the subnet and is reached through a private endpoint.')
  mode: 'Internal' | 'External'
}

@description('Name of the gateway and of its address.')
@minLength(1)
@maxLength(50)
param name string

@description('Region.')
param location string

@description('Size.')
param size gatewaySize

@description('Whether units are spread over availability zones.')
param zoneRedundant bool = false

@description('Network; none for a gateway on the public network.')
param network gatewayNetwork?

@description('Second region, with its subnet where the gateway is inside a network, for gateways in two regions.')
param secondRegion { location: string, subnetId: string? }?

@description('Whether the public endpoint answers. A new gateway that is reached through a private endpoint must be created open and is closed by the next deployment.')
param publicAccess bool

@description('Identity that the gateway calls models as.')
param identity principal

@description('Whether the gateway has an identity of its own besides: the semantic cache computes vectors as it.')
param ownIdentity bool = false

@description('Name and mailbox of the publisher.')
param publisher { name: string, email: string }

@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var classic = contains(['Developer', 'Premium'], size.sku)
var zones = zoneRedundant && classic ? ['1', '2', '3'] : []
var weakProtocols = [
  'Security.Protocols.Tls10'
  'Security.Protocols.Tls11'
  'Security.Protocols.Ssl30'
  'Security.Backend.Protocols.Tls10'
  'Security.Backend.Protocols.Tls11'
  'Security.Backend.Protocols.Ssl30'
  'Security.Ciphers.TripleDes168'
]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: last(split(applicationInsightsId, '/'))
  scope: resourceGroup(split(applicationInsightsId, '/')[2], split(applicationInsightsId, '/')[4])
}

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: size.sku
    capacity: size.capacity
  }
  zones: zones
  identity: {
    type: ownIdentity ? 'SystemAssigned, UserAssigned' : 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: union(
    {
      publisherName: publisher.name
      publisherEmail: publisher.email
      publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
      developerPortalStatus: 'Disabled'
      // Calls of the management API that could read secrets in old forms are refused.
      apiVersionConstraint: {
        minApiVersion: '2021-08-01'
      }
      virtualNetworkType: network == null ? 'None' : network!.mode
    },
    network == null ? {} : { virtualNetworkConfiguration: { subnetResourceId: network!.subnetId } },
    classic
      ? {
          customProperties: toObject(
            weakProtocols,
            item => 'Microsoft.WindowsAzure.ApiManagement.Gateway.${item}',
            item => 'False'
          )
        }
      : {
          zoneRedundant: zoneRedundant
        },
    secondRegion == null
      ? {}
      : {
          additionalLocations: [
            union(
              {
                location: secondRegion!.location
                sku: {
                  name: size.sku
                  capacity: size.capacity
                }
                zones: zones
              },
              secondRegion!.?subnetId == null
                ? {}
                : { virtualNetworkConfiguration: { subnetResourceId: secondRegion!.subnetId! } }
            )
          ]
        }
  )
}

resource clientId 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = {
  parent: gateway
  name: 'gateway-client-id'
  properties: {
    displayName: 'gateway-client-id'
    value: identity.clientId
    secret: false
  }
}

resource telemetry 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: gateway
  name: 'application-insights'
  properties: {
    loggerType: 'applicationInsights'
    resourceId: applicationInsightsId
    credentials: {
      // Without a role the string opens nothing: keys are switched off.
      connectionString: insights.properties.ConnectionString
      identityClientId: identity.clientId
    }
  }
}

resource logs 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: gateway
  name: 'azuremonitor'
  properties: {
    loggerType: 'azureMonitor'
    isBuffered: false
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: gateway
  properties: {
    workspaceId: logAnalyticsId
    // Tables of their own, one for each kind of log, instead of the shared AzureDiagnostics.
    logAnalyticsDestinationType: 'Dedicated'
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

@description('Resource id of the gateway.')
output id string = gateway.id

@description('Private addresses of the gateway; none outside a network.')
output privateAddresses string[] = gateway.properties.?privateIPAddresses ?? []

@description('Private addresses of the gateway in the second region; none without one.')
output secondaryAddresses string[] = gateway.properties.?additionalLocations[?0].?privateIPAddresses ?? []
