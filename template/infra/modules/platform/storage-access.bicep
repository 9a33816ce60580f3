@export()
@description('Who gets which role on a storage account.')
type grant = {
  @description('Name of the component, or object id of the group.')
  name: string

  @description('Principal id.')
  principalId: string

  @description('Kind of principal.')
  principalType: 'ServicePrincipal' | 'Group'

  @description('Role definitions.')
  roleIds: string[]
}

@description('Name of the storage account.')
param accountName string

@description('Who gets which roles.')
param grants grant[]

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: accountName
}

var pairs = flatten(map(
  grants,
  item =>
    map(item.roleIds, roleId => {
      name: item.name
      principalId: item.principalId
      principalType: item.principalType
      roleId: roleId
    })
))

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in pairs: {
    name: guid(account.id, item.name, item.roleId)
    scope: account
    properties: {
      principalId: item.principalId
      principalType: item.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.roleId)
    }
  }
]
