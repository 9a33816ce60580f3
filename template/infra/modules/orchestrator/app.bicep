import { identityOf, platform as platformType } from '../shared/types.bicep'

@export()
@description('What the service calls.')
type callee = {
  @description('Address of the API of foundation models at the gateway.')
  gatewayUrl: string

  @description('Chat model that it asks for.')
  chatModel: string

  @description('Audience of the token that it presents; empty when the gateway asks for none.')
  audience: string
}

@description('Name of the service.')
@minLength(2)
@maxLength(32)
param name string

@description('What it builds on.')
param platform platformType

@description('Resource id of the environment.')
param environmentId string

@description('Address of the registry of its image.')
param registryServer string

@description('Image, by digest.')
param image string

@description('Shares of the traffic that its revisions get; empty for a first revision, which gets all of it.')
param traffic object[]

@description('Application (client) id of the registration that callers ask tokens for.')
@minLength(36)
@maxLength(36)
param clientId string

@description('What it calls.')
param calls callee

@description('Address of the vault that holds its key of the gateway.')
param vaultUri string

@description('Address of the store of its flags.')
param flagsUrl string

var identity = identityOf(platform.principals, 'orchestrator')
var fewestReplicas = platform.environmentName == 'prod' ? 3 : 1
var probe = {
  path: '/healthz'
  port: 8080
  scheme: 'HTTP'
}
var token = empty(calls.audience)
  ? []
  : [
      { name: 'GATEWAY_AUDIENCE', value: calls.audience }
    ]

resource app 'Microsoft.App/containerApps@2026-01-01' = {
  name: name
  location: platform.location
  tags: platform.tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'general'
    configuration: {
      activeRevisionsMode: 'Multiple'
      maxInactiveRevisions: 10
      ingress: {
        // Outside of the environment, not of the network: the environment is internal.
        external: true
        targetPort: 8080
        transport: 'auto'
        allowInsecure: false
        traffic: empty(traffic)
          ? [
              {
                revisionName: '${name}--first'
                weight: 100
              }
            ]
          : traffic
      }
      registries: [
        {
          server: registryServer
          identity: identity.id
        }
      ]
      secrets: [
        {
          name: 'gateway-key'
          // Without a version: a new key is followed.
          keyVaultUrl: '${vaultUri}secrets/gateway-key'
          identity: identity.id
        }
      ]
    }
    template: {
      revisionSuffix: empty(traffic) ? 'first' : null
      terminationGracePeriodSeconds: 120
      containers: [
        {
          name: 'orchestrator'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: concat(
            [
              { name: 'GATEWAY_URL', value: calls.gatewayUrl }
              { name: 'GATEWAY_KEY', secretRef: 'gateway-key' }
              { name: 'CHAT_MODEL', value: calls.chatModel }
              { name: 'FLAGS_URL', value: flagsUrl }
              { name: 'AZURE_CLIENT_ID', value: identity.clientId }
            ],
            token
          )
          probes: [
            {
              type: 'Startup'
              httpGet: probe
              periodSeconds: 2
              failureThreshold: 30
            }
            {
              type: 'Readiness'
              httpGet: probe
              periodSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Liveness'
              httpGet: probe
              periodSeconds: 10
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: fewestReplicas
        maxReplicas: 10
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '50'
              }
            }
          }
        ]
      }
    }
  }
}

// Who calls is known before the service sees the call. No secret: tokens are only checked, nobody signs in here.
resource callers 'Microsoft.App/containerApps/authConfigs@2026-01-01' = {
  parent: app
  name: 'current'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      unauthenticatedClientAction: 'Return401'
      // Whoever asks whether it lives learns nothing else.
      excludedPaths: [
        probe.path
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            clientId
            'api://${clientId}'
          ]
        }
      }
    }
  }
}

@description('Resource id of the service.')
output id string = app.id
