@description('Name of the existing gateway.')
param gatewayName string

@description('Put before every name.')
param prefix string

@description('Resource id of Application Insights.')
param applicationInsightsId string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: last(split(applicationInsightsId, '/'))
  scope: resourceGroup(split(applicationInsightsId, '/')[2], split(applicationInsightsId, '/')[4])
}

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: gatewayName
}

resource telemetry 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: gateway
  name: '${prefix}application-insights'
  properties: {
    loggerType: 'applicationInsights'
    resourceId: applicationInsightsId
    credentials: {
      // Without a role the string opens nothing: keys are switched off.
      connectionString: insights.properties.ConnectionString
      identityClientId: 'SystemAssigned'
    }
  }
}

@description('Name of the logger.')
output telemetryLogger string = telemetry.name
