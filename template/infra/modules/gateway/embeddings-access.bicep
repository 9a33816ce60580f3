@description('Name of the account that computes vectors for the semantic cache.')
param accountName string

@description('Resource id of the gateway, which calls as the identity of its own.')
param gatewayId string

@description('Role definition.')
param roleId string

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' existing = {
  name: accountName
}

resource gateway 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: last(split(gatewayId, '/'))
  scope: resourceGroup(split(gatewayId, '/')[2], split(gatewayId, '/')[4])
}

resource compute 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, 'gateway-itself', roleId)
  scope: account
  properties: {
    principalId: gateway.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
