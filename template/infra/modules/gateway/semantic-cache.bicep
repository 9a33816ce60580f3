import { tags as tagSet } from '../shared/types.bicep'
import { breaker } from 'policy.bicep'

@description('Name of the cache and of its address.')
@minLength(1)
@maxLength(60)
param name string

@description('Region.')
param location string

@description('Size and speed of the cache.')
param sku string

@description('Whether a second node stands in when the first one fails.')
param highAvailability bool

@description('Name of the gateway that keeps answers here.')
param gatewayName string

@description('Address that computes vectors.')
param embeddingsUrl string

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    #disable-next-line BCP036 // Sizes are a parameter; the platform refuses one that it does not know.
    name: sku
  }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: highAvailability ? 'Enabled' : 'Disabled'
    publicNetworkAccess: 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cache
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    // The search for near vectors asks for this policy and this eviction; entries leave when their time is over.
    clusteringPolicy: 'EnterpriseCluster'
    evictionPolicy: 'NoEviction'
    modules: [
      {
        name: 'RediSearch'
      }
    ]
    // API Management reaches a cache by its key only, not by its identity.
    accessKeysAuthentication: 'Enabled'
  }
}

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: gatewayName
}

resource connection 'Microsoft.ApiManagement/service/caches@2024-05-01' = {
  parent: gateway
  name: 'default'
  properties: {
    description: 'Answers of foundation models'
    useFromLocation: 'default'
    // The gateway keeps it as a secret; the key never leaves the platform and changes with a deployment after it was renewed.
    connectionString: '${cache.properties.hostName}:10000,password=${database.listKeys().primaryKey},ssl=True,abortConnect=False'
  }
}

resource embeddings 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: gateway
  name: 'cache-embeddings'
  properties: {
    type: 'Single'
    protocol: 'http'
    url: embeddingsUrl
    tls: {
      validateCertificateChain: true
      validateCertificateName: true
    }
    circuitBreaker: breaker
  }
}

// The cluster itself has metrics only, the database logs who connects.
#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: cache
  properties: {
    workspaceId: logAnalyticsId
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: database
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

@description('Resource id of the cache.')
output id string = cache.id
