import { breaker, fill, loneBreaker } from 'policy.bicep'

@export()
@description('An account that answers for a model.')
type member = {
  @description('Name of the account in this platform, such as primary.')
  name: string

  @description('Address of its models.')
  url: string

  @description('1 is asked first; a higher number only when all lower ones refuse.')
  @minValue(1)
  @maxValue(100)
  priority: int
}

@description('Name of the gateway.')
param gatewayName string

@description('Put before every name on a gateway that others use too; empty on a gateway of our own.')
param prefix string

@description('Revision that is written. A new one answers at an address of its own until the pipeline releases it.')
@minValue(1)
param revision int

@description('Accounts that answer chat completions.')
@minLength(1)
param chatMembers member[]

@description('Accounts that compute embeddings.')
@minLength(1)
param embeddingMembers member[]

@description('Names of the deployments that may be asked for.')
param deploymentNames { chat: string, embedding: string }

@description('Audience of the tokens that callers present; empty when they present none.')
param audience string = ''

@description('Share of calls, in percent, that leave a trace in Application Insights.')
@minValue(0)
@maxValue(100)
param samplingPercentage int

@description('What is kept of prompts and answers.')
@allowed(['none', 'metadata', 'full'])
param promptLogging string

@description('Name of the logger of Application Insights.')
param telemetryLogger string

@description('Name of the logger of Azure Monitor.')
param monitorLogger string

@description('Values that the policy takes besides those that are known here, by name.')
param policyValues object = {}

var members = union(chatMembers, embeddingMembers)
var messages = promptLogging == 'full'
  ? {
      messages: 'all'
      maxSizeInBytes: 262144
    }
  : null

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: gatewayName
}

resource backends 'Microsoft.ApiManagement/service/backends@2024-05-01' = [
  for item in members: {
    parent: gateway
    name: '${prefix}foundation-${item.name}'
    properties: {
      type: 'Single'
      protocol: 'http'
      url: item.url
      tls: {
        validateCertificateChain: true
        validateCertificateName: true
      }
      circuitBreaker: length(members) > 1 ? breaker : loneBreaker
    }
  }
]

resource chatPool 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: gateway
  name: '${prefix}chat'
  properties: {
    type: 'Pool'
    pool: {
      services: [
        for item in chatMembers: {
          id: '${gateway.id}/backends/${prefix}foundation-${item.name}'
          priority: item.priority
          weight: 100
        }
      ]
    }
  }
  dependsOn: [
    backends
  ]
}

resource embeddingPool 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: gateway
  name: '${prefix}embeddings'
  properties: {
    type: 'Pool'
    pool: {
      services: [
        for item in embeddingMembers: {
          id: '${gateway.id}/backends/${prefix}foundation-${item.name}'
          priority: item.priority
          weight: 100
        }
      ]
    }
  }
  dependsOn: [
    backends
  ]
}

resource versions 'Microsoft.ApiManagement/service/apiVersionSets@2024-05-01' = {
  parent: gateway
  name: '${prefix}foundation'
  properties: {
    displayName: '${prefix}foundation'
    versioningScheme: 'Segment'
  }
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: gateway
  name: '${prefix}foundation;rev=${revision}'
  properties: {
    displayName: 'Foundation models'
    path: '${prefix}foundation'
    protocols: [
      'https'
    ]
    subscriptionRequired: true
    subscriptionKeyParameterNames: {
      header: 'api-key'
      query: 'subscription-key'
    }
    apiVersion: 'v1'
    apiRevision: string(revision)
    apiVersionSetId: versions.id
    format: 'openapi'
    value: loadTextContent('../../../gateway/apis/foundation.yml')
  }
}

resource policy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: api
  name: 'policy'
  properties: {
    format: 'rawxml'
    value: fill(
      loadTextContent('../../../gateway/policies/foundation.xml'),
      union(
        {
          prefix: prefix
          audience: audience
          'tenant-id': tenant().tenantId
          'chat-pool': chatPool.name
          'chat-model': deploymentNames.chat
          'embedding-pool': embeddingPool.name
          'embedding-model': deploymentNames.embedding
          retries: string(max(1, length(chatMembers) - 1))
        },
        policyValues
      )
    )
  }
}

// What is logged is the same for all revisions.
resource current 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: gateway
  name: '${prefix}foundation'
}

resource traces 'Microsoft.ApiManagement/service/apis/diagnostics@2025-09-01-preview' = {
  parent: current
  name: 'applicationinsights'
  properties: {
    loggerId: '${gateway.id}/loggers/${telemetryLogger}'
    alwaysLog: 'allErrors'
    httpCorrelationProtocol: 'W3C'
    logClientIp: false
    // Token metrics reach Application Insights only with this switch.
    metrics: true
    sampling: {
      samplingType: 'fixed'
      percentage: samplingPercentage
    }
    verbosity: 'information'
  }
  dependsOn: [
    api
  ]
}

resource usage 'Microsoft.ApiManagement/service/apis/diagnostics@2025-09-01-preview' = {
  parent: current
  name: 'azuremonitor'
  properties: {
    loggerId: '${gateway.id}/loggers/${monitorLogger}'
    alwaysLog: 'allErrors'
    logClientIp: false
    sampling: {
      samplingType: 'fixed'
      percentage: 100
    }
    verbosity: 'information'
    largeLanguageModel: {
      logs: promptLogging == 'none' ? 'disabled' : 'enabled'
      requests: messages
      responses: messages
    }
  }
  dependsOn: [
    api
  ]
}

@description('Name of the API.')
output apiName string = '${prefix}foundation'
