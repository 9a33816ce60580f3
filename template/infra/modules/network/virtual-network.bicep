import { tags as tagSet } from '../shared/types.bicep'

@export()
@description('A subnet: what it is for, its fixed slot in the network, and what it needs.')
type subnet = {
  @description('Name after its purpose; some names are fixed by the platform.')
  name: string

  @description('Size of the slot as a power of two: 1 for two units, 2 for four. A unit is 1/32 of the network and at least 16 addresses.')
  sizeBits: int

  @description('Number of the slot among slots of that size. Slots are fixed, so a subnet never moves when another one comes or goes.')
  slot: int

  @description('Service that the subnet is handed to; empty for none.')
  delegation: string

  @description('How traffic leaves: not at all, through the NAT gateway, through a firewall, straight to the internet, or as it must (the firewall itself).')
  egress: 'none' | 'nat' | 'firewall' | 'internet' | 'own'

  @description('Security rules besides the denial of everything else from the internet.')
  securityRules: object[]
}

@description('Name of the network; subnets, security groups and route tables are named after it.')
param name string

@description('Region.')
param location string

@description('Address range of the network.')
param addressPrefix string

@description('Subnets.')
param subnets subnet[]

@description('Private address of a firewall elsewhere that traffic leaves through; empty when the network has its own, or none.')
param firewallPrivateIp string = ''

@description('Whether public addresses are spread over availability zones.')
param zoneRedundant bool = false

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var unitPrefixLength = min(28, int(last(split(addressPrefix, '/'))) + 5)
// A firewall takes the first free address of its subnet, the fourth.
var ownFirewalls = filter(subnets, item => item.egress == 'own')
var nextHop = empty(ownFirewalls)
  ? firewallPrivateIp
  : cidrHost(cidrSubnet(addressPrefix, unitPrefixLength - ownFirewalls[0].sizeBits, ownFirewalls[0].slot), 3)
var suffix = substring(name, indexOf(name, '-') + 1)
var needsNat = !empty(filter(subnets, item => item.egress == 'nat'))
var needsClosedRoute = !empty(filter(subnets, item => item.egress == 'none'))
var needsInternetRoute = !empty(filter(subnets, item => item.egress == 'internet'))
var needsFirewallRoute = !empty(filter(subnets, item => item.egress == 'firewall'))
// Security groups are not allowed on the firewall's subnet.
var guarded = filter(subnets, item => item.egress != 'own')

var denyInternet = {
  name: 'deny-internet-inbound'
  properties: {
    priority: 4096
    direction: 'Inbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: 'Internet'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}

resource securityGroups 'Microsoft.Network/networkSecurityGroups@2025-09-01' = [
  for item in guarded: {
    name: 'nsg-${suffix}-${item.name}'
    location: location
    tags: tags
    properties: {
      securityRules: concat(item.securityRules, [denyInternet])
    }
  }
]

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource securityGroupLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for (item, i) in guarded: {
    name: 'to-log-analytics'
    scope: securityGroups[i]
    properties: {
      workspaceId: logAnalyticsId
      logs: [
        {
          categoryGroup: 'allLogs'
          enabled: true
        }
      ]
    }
  }
]

resource closedRoute 'Microsoft.Network/routeTables@2025-09-01' = if (needsClosedRoute) {
  name: 'rt-${suffix}-closed'
  location: location
  tags: tags
  properties: {
    disableBgpRoutePropagation: true
    routes: [
      {
        name: 'nowhere'
        properties: {
          addressPrefix: '0.0.0.0/0'
          nextHopType: 'None'
        }
      }
    ]
  }
}

// An application gateway must reach the internet directly; the route says so instead of relying on a default.
resource internetRoute 'Microsoft.Network/routeTables@2025-09-01' = if (needsInternetRoute) {
  name: 'rt-${suffix}-internet'
  location: location
  tags: tags
  properties: {
    disableBgpRoutePropagation: true
    routes: [
      {
        name: 'internet'
        properties: {
          addressPrefix: '0.0.0.0/0'
          nextHopType: 'Internet'
        }
      }
    ]
  }
}

resource firewallRoute 'Microsoft.Network/routeTables@2025-09-01' = if (needsFirewallRoute) {
  name: 'rt-${suffix}-firewall'
  location: location
  tags: tags
  properties: {
    disableBgpRoutePropagation: true
    routes: [
      {
        name: 'firewall'
        properties: {
          addressPrefix: '0.0.0.0/0'
          nextHopType: 'VirtualAppliance'
          nextHopIpAddress: nextHop
        }
      }
    ]
  }
}

resource natAddress 'Microsoft.Network/publicIPAddresses@2025-09-01' = if (needsNat) {
  name: 'pip-${suffix}-nat'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Regional'
  }
  zones: zoneRedundant ? ['1', '2', '3'] : []
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource natAddressLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (needsNat) {
  name: 'to-log-analytics'
  scope: natAddress
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

resource nat 'Microsoft.Network/natGateways@2025-09-01' = if (needsNat) {
  name: 'ng-${suffix}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    idleTimeoutInMinutes: 10
    publicIpAddresses: [
      {
        id: natAddress.id
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      for item in subnets: {
        name: item.name
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, unitPrefixLength - item.sizeBits, item.slot)
          // The firewall's subnet is the platform's own; it takes no such setting.
          defaultOutboundAccess: item.egress == 'own' ? null : false
          privateEndpointNetworkPolicies: 'Enabled'
          delegations: empty(item.delegation)
            ? []
            : [
                {
                  name: 'service'
                  properties: {
                    serviceName: item.delegation
                  }
                }
              ]
          networkSecurityGroup: item.egress == 'own'
            ? null
            : {
                id: resourceId('Microsoft.Network/networkSecurityGroups', 'nsg-${suffix}-${item.name}')
              }
          natGateway: item.egress == 'nat'
            ? {
                id: nat.id
              }
            : null
          routeTable: item.egress == 'none'
            ? {
                id: closedRoute.id
              }
            : item.egress == 'firewall'
                ? {
                    id: firewallRoute.id
                  }
                : item.egress == 'internet'
                    ? {
                        id: internetRoute.id
                      }
                    : null
        }
      }
    ]
  }
  dependsOn: [
    securityGroups
  ]
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource networkMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: network
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

@description('Resource id of the network.')
output id string = network.id
