@description('Name of the existing API Management instance.')
param name string

@description('Object id of the Entra group whose people read it.')
param groupId string

@description('Role definition of those readers.')
param roleId string

resource target 'Microsoft.ApiManagement/service@2025-09-01-preview' existing = {
  name: name
}

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(target.id, groupId, roleId)
  scope: target
  properties: {
    principalId: groupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
