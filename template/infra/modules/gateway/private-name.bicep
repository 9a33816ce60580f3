import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the gateway.')
param gatewayName string

@description('Private addresses of the gateway.')
param addresses string[]

@description('Resource ids of the networks that resolve the name.')
param networkIds string[]

@description('Tags.')
param tags tagSet

// A gateway inside a network has no private endpoint: its name needs a zone of its own.
resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${gatewayName}.azure-api.net'
  location: 'global'
  tags: tags
}

resource record 'Microsoft.Network/privateDnsZones/A@2024-06-01' = {
  parent: zone
  name: '@'
  properties: {
    ttl: 300
    aRecords: [for address in addresses: { ipv4Address: address }]
  }
}

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for id in networkIds: {
    parent: zone
    name: last(split(id, '/'))
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: id
      }
    }
  }
]
