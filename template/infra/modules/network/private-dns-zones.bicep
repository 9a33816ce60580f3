import { tags as tagSet } from '../shared/types.bicep'

@description('Names of the zones.')
param zoneNames string[]

@description('Virtual networks that resolve names in the zones.')
@minLength(1)
param networkIds string[]

@description('Tags.')
param tags tagSet

var links = flatten(map(
  zoneNames,
  zone =>
    map(networkIds, id => {
      zone: zone
      networkId: id
    })
))

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource networkLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for link in links: {
    name: '${link.zone}/${last(split(link.networkId, '/'))}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: link.networkId
      }
    }
    dependsOn: [
      zones
    ]
  }
]
