import { principal } from '../shared/types.bicep'

@description('Name of the network.')
param networkName string

@description('Name of the subnet of the nodes.')
param subnetName string

@description('Identity of the cluster.')
param identity principal

@description('Role definition that joins machines to the subnet.')
param roleId string

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  name: '${networkName}/${subnetName}'
}

resource join 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subnet.id, identity.name, roleId)
  scope: subnet
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
