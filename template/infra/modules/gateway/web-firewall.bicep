import { tags as tagSet } from '../shared/types.bicep'

@export()
@description('The name under which callers reach the gateway from the internet, and the certificate that proves it.')
type publicDoor = {
  @description('Host name; its DNS record points to the address of the door.')
  hostName: string

  @description('Resource id of the key vault that holds the certificate.')
  certificateVaultId: string

  @description('Name of the certificate in that vault; a renewed one is picked up by itself.')
  certificateName: string
}

@description('Name of the application gateway; its policy and address are named after it.')
@minLength(1)
@maxLength(70)
param name string

@description('Region.')
param location string

@description('Resource id of the subnet ingress.')
param subnetId string

@description('Host name that callers use.')
param hostName string

@description('Address of the certificate of that name, without a version.')
param certificateUri string

@description('Resource id of the identity that reads the certificate.')
param identityId string

@description('Host name of the gateway behind the door.')
param gatewayHostName string

@description('Private addresses of the gateway; none when its host name resolves to the right one.')
param gatewayAddresses string[] = []

@description('Whether what looks like an attack is blocked, or only logged.')
param prevent bool

@description('Arguments of JSON bodies that hold texts of people, in which any word may occur.')
param textArguments string[]

@description('Seconds that an answer may take.')
@minValue(1)
@maxValue(86400)
param requestTimeout int

@description('Fewest and most instances.')
param instances { min: int, max: int }

@description('Whether instances are spread over availability zones.')
param zoneRedundant bool = false

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var zones = zoneRedundant ? ['1', '2', '3'] : []
var id = resourceId('Microsoft.Network/applicationGateways', name)

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

resource policy 'Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies@2025-09-01' = {
  name: 'waf-${name}'
  location: location
  tags: tags
  properties: {
    policySettings: {
      state: 'Enabled'
      mode: prevent ? 'Prevention' : 'Detection'
      requestBodyCheck: true
      // Long conversations: the largest body that the rules take.
      maxRequestBodySizeInKb: 2000
    }
    managedRules: {
      managedRuleSets: [
        {
          ruleSetType: 'Microsoft_DefaultRuleSet'
          ruleSetVersion: '2.1'
        }
        {
          ruleSetType: 'Microsoft_BotManagerRuleSet'
          ruleSetVersion: '1.1'
        }
      ]
      // A question about SQL is no injection; prompts are examined by the gateway itself.
      exclusions: [
        for argument in textArguments: {
          matchVariable: 'RequestArgValues'
          selectorMatchOperator: 'Contains'
          selector: argument
        }
      ]
    }
  }
}

resource door 'Microsoft.Network/applicationGateways@2025-09-01' = {
  name: name
  location: location
  tags: tags
  zones: zones
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    sku: {
      name: 'WAF_v2'
      tier: 'WAF_v2'
    }
    autoscaleConfiguration: {
      minCapacity: instances.min
      maxCapacity: instances.max
    }
    enableHttp2: true
    firewallPolicy: { id: policy.id }
    sslPolicy: {
      policyType: 'Predefined'
      policyName: 'AppGwSslPolicy20220101S'
    }
    globalConfiguration: {
      enableRequestBuffering: true
      // Streams pass as they come.
      enableResponseBuffering: false
    }
    gatewayIPConfigurations: [
      {
        name: 'ingress'
        properties: {
          subnet: { id: subnetId }
        }
      }
    ]
    frontendIPConfigurations: [
      {
        name: 'internet'
        properties: {
          publicIPAddress: { id: address.id }
        }
      }
    ]
    frontendPorts: [
      {
        name: 'https'
        properties: {
          port: 443
        }
      }
    ]
    sslCertificates: [
      {
        name: 'door'
        properties: {
          keyVaultSecretId: certificateUri
        }
      }
    ]
    httpListeners: [
      {
        name: 'callers'
        properties: {
          protocol: 'Https'
          hostName: hostName
          frontendIPConfiguration: { id: '${id}/frontendIPConfigurations/internet' }
          frontendPort: { id: '${id}/frontendPorts/https' }
          sslCertificate: { id: '${id}/sslCertificates/door' }
        }
      }
    ]
    backendAddressPools: [
      {
        name: 'gateway'
        properties: {
          backendAddresses: empty(gatewayAddresses)
            ? [{ fqdn: gatewayHostName }]
            : map(gatewayAddresses, item => { ipAddress: item })
        }
      }
    ]
    probes: [
      {
        name: 'gateway'
        properties: {
          protocol: 'Https'
          host: gatewayHostName
          // Every API Management service answers here, without a key.
          path: '/status-0123456789abcdef'
          interval: 30
          timeout: 30
          unhealthyThreshold: 3
          match: {
            statusCodes: ['200-399']
          }
        }
      }
    ]
    backendHttpSettingsCollection: [
      {
        name: 'gateway'
        properties: {
          protocol: 'Https'
          port: 443
          hostName: gatewayHostName
          cookieBasedAffinity: 'Disabled'
          requestTimeout: requestTimeout
          probe: { id: '${id}/probes/gateway' }
        }
      }
    ]
    requestRoutingRules: [
      {
        name: 'gateway'
        properties: {
          ruleType: 'Basic'
          priority: 100
          httpListener: { id: '${id}/httpListeners/callers' }
          backendAddressPool: { id: '${id}/backendAddressPools/gateway' }
          backendHttpSettings: { id: '${id}/backendHttpSettingsCollection/gateway' }
        }
      }
    ]
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: door
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

@description('Resource id of the application gateway.')
output id string = door.id
