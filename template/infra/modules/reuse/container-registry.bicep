import { principal } from '../shared/types.bicep'

@description('Name of the existing container registry.')
param name string

@description('Identities of the components.')
param principals principal[]

@description('Names of the components that get the role.')
param holders string[]

@description('Workload and environment that the components belong to; other environments get their own assignments on the same resource.')
param owner string

@description('Role definition that they get.')
param roleId string

resource target 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: name
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in filter(principals, item => contains(holders, item.name)): {
    name: guid(target.id, owner, item.name, roleId)
    scope: target
    properties: {
      principalId: item.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
