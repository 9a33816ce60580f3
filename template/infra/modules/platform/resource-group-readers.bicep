@description('Object id of the Entra group whose people read everything in the resource group.')
param groupId string

@description('Role definition of readers.')
param roleId string

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, groupId, roleId)
  properties: {
    principalId: groupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
