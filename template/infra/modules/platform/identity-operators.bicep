import { principal } from '../shared/types.bicep'

@description('Identity that lets computes run as other identities.')
param operator principal

@description('Identities that computes run as.')
param identities principal[]

@description('Role definition of the operator.')
param roleId string

resource targets 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = [
  for item in identities: {
    name: last(split(item.id, '/'))
  }
]

resource operate 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in identities: {
    name: guid(item.id, operator.name, roleId)
    scope: targets[i]
    properties: {
      principalId: operator.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
