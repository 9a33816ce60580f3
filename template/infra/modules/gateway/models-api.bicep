import { fill, loneBreaker } from 'policy.bicep'

@description('Name of the gateway.')
param gatewayName string

@description('Put before every name on a gateway that others use too; empty on a gateway of our own.')
param prefix string

@description('Revision that is written. A new one answers at an address of its own until the pipeline releases it.')
@minValue(1)
param revision int

@description('Address of the endpoint that scores, without the path.')
param endpointUrl string

@description('Path under which the endpoint scores.')
param path string

@description('Audience of the tokens that callers present; empty when they present none.')
param audience string = ''

@description('Address of the vault that holds the key of an endpoint that takes no Entra tokens; empty when it takes them.')
param keyVaultUri string = ''

@description('Share of calls, in percent, that leave a trace in Application Insights.')
@minValue(0)
@maxValue(100)
param samplingPercentage int

@description('Name of the logger of Application Insights.')
param telemetryLogger string

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: gatewayName
}

resource backend 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: gateway
  name: '${prefix}own-models'
  properties: {
    type: 'Single'
    protocol: 'http'
    url: endpointUrl
    tls: {
      validateCertificateChain: true
      validateCertificateName: true
    }
    circuitBreaker: loneBreaker
  }
}

resource versions 'Microsoft.ApiManagement/service/apiVersionSets@2024-05-01' = {
  parent: gateway
  name: '${prefix}models'
  properties: {
    displayName: '${prefix}models'
    versioningScheme: 'Segment'
  }
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: gateway
  name: '${prefix}models;rev=${revision}'
  properties: {
    displayName: 'Own models'
    path: '${prefix}models'
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
    value: loadTextContent('../../../gateway/apis/models.yml')
  }
}

resource policy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: api
  name: 'policy'
  properties: {
    format: 'rawxml'
    value: fill(loadTextContent('../../../gateway/policies/models.xml'), {
      audience: audience
      'tenant-id': tenant().tenantId
      'models-backend': backend.name
      path: path
      'vault-uri': keyVaultUri
    })
  }
}

// What is logged is the same for all revisions.
resource current 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: gateway
  name: '${prefix}models'
}

resource traces 'Microsoft.ApiManagement/service/apis/diagnostics@2025-09-01-preview' = {
  parent: current
  name: 'applicationinsights'
  properties: {
    loggerId: '${gateway.id}/loggers/${telemetryLogger}'
    alwaysLog: 'allErrors'
    httpCorrelationProtocol: 'W3C'
    logClientIp: false
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

@description('Name of the API.')
output apiName string = '${prefix}models'
