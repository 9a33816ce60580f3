@description('Name of the virtual network that gets the peering.')
param networkName string

@description('Resource id of the virtual network at the other end.')
param remoteNetworkId string

@description('Whether traffic that the other end forwards is accepted, as from a firewall.')
param allowForwardedTraffic bool

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: networkName
}

resource peering 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings@2025-09-01' = {
  parent: network
  name: 'to-${last(split(remoteNetworkId, '/'))}'
  properties: {
    allowForwardedTraffic: allowForwardedTraffic
    allowGatewayTransit: false
    allowVirtualNetworkAccess: true
    useRemoteGateways: false
    remoteVirtualNetwork: {
      id: remoteNetworkId
    }
  }
}
