import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the registry.')
param registryName string

@description('Region of the replica.')
param location string

@description('Whether the replica is spread over availability zones.')
param zoneRedundant bool

@description('Tags.')
param tags tagSet

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource replica 'Microsoft.ContainerRegistry/registries/replications@2025-11-01' = {
  parent: registry
  name: location
  location: location
  tags: tags
  properties: {
    regionEndpointEnabled: true
    zoneRedundancy: zoneRedundant ? 'Enabled' : 'Disabled'
  }
}
