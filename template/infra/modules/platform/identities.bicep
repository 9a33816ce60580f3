import { component, principal, tags as tagSet } from '../shared/types.bicep'
import { purposeName } from '../shared/naming.bicep'

@description('Components; each gets an identity of its own.')
param components component[]

@description('Region.')
param location string

@description('Tags; workload and environment are part of the names.')
param tags tagSet

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = [
  for item in components: {
    name: purposeName('id', tags.workload, tags.environment, item.name)
    location: location
    tags: tags
  }
]

@description('Identity of each component.')
output principals principal[] = [
  for (item, i) in components: {
    name: item.name
    id: identities[i].id
    principalId: identities[i].properties.principalId
    clientId: identities[i].properties.clientId
  }
]
