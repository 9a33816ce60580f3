import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the firewall; its policy and address are named after it.')
param name string

@description('Region.')
param location string

@description('Name of the virtual network that has a subnet AzureFirewallSubnet.')
param networkName string

@description('Address range of that network, from which traffic may leave.')
param sourceAddressPrefix string

@description('What may leave: rules by domain name and by service tag, from egress-rules.json.')
param rules object

@description('Whether the firewall is spread over availability zones.')
param zoneRedundant bool = false

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var zones = zoneRedundant ? ['1', '2', '3'] : []

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  name: '${networkName}/AzureFirewallSubnet'
}

resource address 'Microsoft.Network/publicIPAddresses@2025-09-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Regional'
  }
  zones: zones
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
  }
}

resource policy 'Microsoft.Network/firewallPolicies@2025-09-01' = {
  name: 'afwp-${name}'
  location: location
  tags: tags
  properties: {
    sku: {
      tier: 'Standard'
    }
    threatIntelMode: 'Deny'
  }
}

resource egress 'Microsoft.Network/firewallPolicies/ruleCollectionGroups@2025-09-01' = {
  parent: policy
  name: 'egress'
  properties: {
    priority: 500
    ruleCollections: [
      {
        name: 'service-tags'
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        priority: 100
        action: {
          type: 'Allow'
        }
        rules: map(rules.serviceTags, rule => {
          name: rule.name
          ruleType: 'NetworkRule'
          ipProtocols: ['TCP']
          sourceAddresses: [sourceAddressPrefix]
          destinationAddresses: rule.tags
          destinationPorts: rule.ports
        })
      }
      {
        name: 'domain-names'
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        priority: 200
        action: {
          type: 'Allow'
        }
        rules: map(rules.domainNames, rule => {
          name: rule.name
          ruleType: 'ApplicationRule'
          sourceAddresses: [sourceAddressPrefix]
          targetFqdns: rule.names
          protocols: [
            {
              protocolType: 'Https'
              port: 443
            }
          ]
        })
      }
    ]
  }
}

resource firewall 'Microsoft.Network/azureFirewalls@2025-09-01' = {
  name: name
  location: location
  tags: tags
  zones: zones
  properties: {
    sku: {
      name: 'AZFW_VNet'
      tier: 'Standard'
    }
    firewallPolicy: {
      id: policy.id
    }
    ipConfigurations: [
      {
        name: 'egress'
        properties: {
          publicIPAddress: {
            id: address.id
          }
          subnet: {
            id: subnet.id
          }
        }
      }
    ]
  }
  dependsOn: [
    egress
  ]
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource firewallLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: firewall
  properties: {
    workspaceId: logAnalyticsId
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

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource addressLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: address
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

@description('Resource id of the firewall.')
output id string = firewall.id
