import { principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the workspace.')
param workspaceName string

@description('Name of the endpoint, unique in the region.')
@minLength(3)
@maxLength(32)
param name string

@description('Region.')
param location string

@description('Identity of the endpoint.')
param identity principal

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: workspaceName
}

// Deployments and the default one belong to the rollout: set here, the next deployment of the platform would undo it.
resource endpoint 'Microsoft.MachineLearningServices/workspaces/batchEndpoints@2026-05-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    authMode: 'AADToken'
  }
}

@description('Name of the endpoint.')
output name string = endpoint.name
