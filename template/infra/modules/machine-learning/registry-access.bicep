import { principal } from '../shared/types.bicep'

@description('Name of the registry.')
param name string

@description('Identities of the components.')
param principals principal[]

@description('Components and the role definition that each gets.')
param holders { name: string, roleId: string }[]

@description('Principal id of the identity of the pipelines: a rollout names a version of the registry.')
param pipelinePrincipalId string

@description('Role definition that the pipelines get.')
param pipelineRoleId string

@description('Workload and environment that the components belong to; other environments get their own assignments on the same registry.')
param owner string

resource target 'Microsoft.MachineLearningServices/registries@2026-05-01' existing = {
  name: name
}

var principalIds = toObject(principals, item => item.name, item => item.principalId)

resource pipelines 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(target.id, owner, 'pipeline', pipelineRoleId)
  scope: target
  properties: {
    principalId: pipelinePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', pipelineRoleId)
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in holders: {
    name: guid(target.id, owner, item.name, item.roleId)
    scope: target
    properties: {
      principalId: principalIds[item.name]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.roleId)
    }
  }
]
