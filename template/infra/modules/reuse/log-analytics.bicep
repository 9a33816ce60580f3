@description('Name of the existing Log Analytics workspace.')
param name string

@description('Principals that get the role: name for the assignment, principal id, and kind of principal.')
param grants { name: string, principalId: string, principalType: 'Group' | 'ServicePrincipal' }[]

@description('Role definition that they get.')
param roleId string

resource target 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: name
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in grants: {
    name: guid(target.id, item.name, roleId)
    scope: target
    properties: {
      principalId: item.principalId
      principalType: item.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
