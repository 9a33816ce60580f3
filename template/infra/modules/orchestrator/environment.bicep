import { platform as platformType } from '../shared/types.bicep'

@description('Name of the environment.')
@minLength(2)
@maxLength(32)
param name string

@description('What it builds on.')
param platform platformType

@description('Resource id of the subnet, which belongs to the environment alone.')
param subnetId string

@description('Name of the resource group in which the platform keeps its load balancer.')
@maxLength(90)
param managedResourceGroupName string

@description('Whether machines and replicas are spread over availability zones.')
param zoneRedundant bool

var fewestMachines = zoneRedundant ? 3 : 1

resource environment 'Microsoft.App/managedEnvironments@2026-01-01' = {
  name: name
  location: platform.location
  tags: platform.tags
  properties: {
    vnetConfiguration: {
      internal: true
      infrastructureSubnetId: subnetId
    }
    publicNetworkAccess: 'Disabled'
    infrastructureResourceGroup: managedResourceGroupName
    zoneRedundant: zoneRedundant
    // Machines of its own, always there; several revisions share them.
    workloadProfiles: [
      {
        name: 'general'
        workloadProfileType: 'D4'
        minimumCount: fewestMachines
        maximumCount: fewestMachines + 2
      }
    ]
    peerTrafficConfiguration: {
      encryption: {
        enabled: true
      }
    }
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: environment
  properties: {
    workspaceId: platform.logAnalyticsId
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

@description('Resource id of the environment.')
output id string = environment.id

@description('Domain of its services.')
output domain string = environment.properties.defaultDomain

@description('Private address of all of them.')
output address string = environment.properties.staticIp
