import { principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the workspace.')
param workspaceName string

@description('Region.')
param location string

@description('Resource id of the cluster, with the Azure Machine Learning extension.')
param clusterId string

@description('Identity that what runs on the cluster reads models and pulls images as.')
param identity principal

@description('Whether models get a GPU.')
param gpu bool

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: workspaceName
}

resource compute 'Microsoft.MachineLearningServices/workspaces/computes@2026-05-01' = {
  parent: workspace
  name: 'kubernetes'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    computeType: 'Kubernetes'
    resourceId: clusterId
    disableLocalAuth: true
    properties: {
      namespace: 'models'
      defaultInstanceType: 'model'
      instanceTypes: {
        model: {
          nodeSelector: gpu ? { purpose: 'gpu-models' } : { purpose: 'models' }
          resources: {
            requests: union({ cpu: '2', memory: '8Gi' }, gpu ? { 'nvidia.com/gpu': '1' } : {})
            limits: union({ cpu: '4', memory: '12Gi' }, gpu ? { 'nvidia.com/gpu': '1' } : {})
          }
        }
      }
    }
  }
}

@description('Resource id of the compute.')
output id string = compute.id
