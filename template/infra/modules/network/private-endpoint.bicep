import { tags as tagSet } from '../shared/types.bicep'

@export()
@description('Where private endpoints lie and their names are kept.')
type endpointNetwork = {
  @description('Name of the resource group of the network.')
  resourceGroupName: string

  @description('Resource id of the subnet of private endpoints.')
  subnetId: string

  @description('Resource id under which the private DNS zones lie, up to their names.')
  zoneRoot: string
}

@description('Name of the private endpoint.')
@maxLength(64)
param name string

@description('Region.')
param location string

@description('Resource id of the subnet.')
param subnetId string

@description('Resource id of the service that is reached.')
param targetId string

@description('Part of the service that is reached, such as blob.')
param groupId string

@description('Resource ids of all private DNS zones of that part.')
@minLength(1)
param zoneIds string[]

@description('Tags.')
param tags tagSet

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    customNetworkInterfaceName: 'nic-${name}'
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            groupId
          ]
        }
      }
    ]
  }
}

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      for id in zoneIds: {
        name: replace(last(split(id, '/')), '.', '-')
        properties: {
          privateDnsZoneId: id
        }
      }
    ]
  }
}
