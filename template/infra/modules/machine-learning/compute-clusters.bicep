import { principal, tags as tagSet } from '../shared/types.bicep'

@export()
@description('A cluster that scales to zero.')
type cluster = {
  @description('Name that jobs refer to.')
  @minLength(2)
  @maxLength(32)
  name: string

  @description('Size of its machines.')
  vmSize: string

  @description('Most machines at a time.')
  @minValue(1)
  @maxValue(64)
  maxNodes: int
}

@description('Name of the workspace.')
param workspaceName string

@description('Region.')
param location string

@description('Clusters.')
param clusters cluster[]

@description('Identity that jobs on them run as.')
param identity principal

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: workspaceName
}

resource computes 'Microsoft.MachineLearningServices/workspaces/computes@2026-05-01' = [
  for item in clusters: {
    parent: workspace
    name: item.name
    location: location
    tags: tags
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: {
        '${identity.id}': {}
      }
    }
    properties: {
      computeType: 'AmlCompute'
      disableLocalAuth: true
      properties: {
        vmSize: item.vmSize
        vmPriority: 'Dedicated'
        osType: 'Linux'
        enableNodePublicIp: false
        remoteLoginPortPublicAccess: 'Disabled'
        scaleSettings: {
          minNodeCount: 0
          maxNodeCount: item.maxNodes
          nodeIdleTimeBeforeScaleDown: 'PT10M'
        }
      }
    }
  }
]
