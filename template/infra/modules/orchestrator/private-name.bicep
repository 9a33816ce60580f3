import { tags as tagSet } from '../shared/types.bicep'

@description('Domain of the services.')
param domain string

@description('Private address of all of them.')
param address string

@description('Resource ids of the networks that resolve their names.')
@minLength(1)
param networkIds string[]

@description('Tags.')
param tags tagSet

// An environment inside a network has no private endpoint: its domain needs a zone of its own.
resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: domain
  location: 'global'
  tags: tags
}

// The service and each of its revisions.
resource names 'Microsoft.Network/privateDnsZones/A@2024-06-01' = {
  parent: zone
  name: '*'
  properties: {
    ttl: 300
    aRecords: [
      {
        ipv4Address: address
      }
    ]
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
