import { fill, loneBreaker } from 'policy.bicep'

@description('Name of the gateway.')
param gatewayName string

@description('Put before every name on a gateway that others use too; empty on a gateway of our own.')
param prefix string

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
  name: '${prefix}models'
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

resource traces 'Microsoft.ApiManagement/service/apis/diagnostics@2025-09-01-preview' = {
  parent: api
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
}

@description('Name of the API.')
output apiName string = api.name
