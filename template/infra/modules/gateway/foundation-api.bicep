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

@export()
@description('A chat model that callers may ask for.')
type chatModel = {
  @description('Name of its deployments.')
  name: string

  @description('Accounts that deploy it.')
  @minLength(1)
  members: member[]
}

@description('Name of the gateway.')
param gatewayName string

@description('Put before every name on a gateway that others use too; empty on a gateway of our own.')
param prefix string

@description('First revision that is written. A new one answers at an address of its own until the pipeline releases it.')
@minValue(1)
param revision int

@description('Chat model that answers.')
param chat chatModel

@description('Chat model that takes its place; null when none does.')
param successor chatModel?

@description('Shares of the calls to chat, in percent, that the successor gets in the revisions that follow the first one, where it gets none.')
param steps int[]

@description('Accounts that compute embeddings.')
@minLength(1)
param embeddingMembers member[]

@description('Name of the deployments that compute embeddings.')
param embeddingModel string

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

var chatModels = successor == null ? [chat] : [chat, successor!]
var shares = successor == null ? [0] : concat([0], steps)
var members = union(chat.members, successor.?members ?? [], embeddingMembers)
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

// One for each model, named after it: a revision of before a change finds its pool as it was.
resource chatPools 'Microsoft.ApiManagement/service/backends@2024-05-01' = [
  for model in chatModels: {
    parent: gateway
    name: '${prefix}chat-${model.name}'
    properties: {
      type: 'Pool'
      pool: {
        services: [
          for item in model.members: {
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
]

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

// Which of them is current belongs to the pipeline; the platform takes one at a time.
@batchSize(1)
resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = [
  for (percent, number) in shares: {
    parent: gateway
    name: '${prefix}foundation;rev=${revision + number}'
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
      apiRevision: string(revision + number)
      // The pipeline that moves the shares reads this.
      apiRevisionDescription: successor == null
        ? 'chat is ${chat.name}'
        : 'chat is ${chat.name}, and ${successor!.name} for ${percent} %'
      apiVersionSetId: versions.id
      format: 'openapi'
      value: loadTextContent('../../../gateway/apis/foundation.yml')
    }
  }
]

@batchSize(1)
resource policies 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = [
  for (percent, number) in shares: {
    parent: api[number]
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
            'chat-pool': chatPools[0].name
            'chat-model': chat.name
            'chat-models': join(concat(map(chatModels, model => model.name), ['chat']), ' or ')
            // Without a successor the model stands in for it, with its own pool and no share.
            'successor-pool': chatPools[length(chatModels) - 1].name
            'successor-model': last(chatModels).name
            'successor-percent': string(percent)
            'embedding-pool': embeddingPool.name
            'embedding-model': embeddingModel
            retries: string(max(1, length(chat.members) - 1, length(successor.?members ?? []) - 1))
          },
          policyValues
        )
      )
    }
  }
]

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
