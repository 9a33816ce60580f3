import { tags as tagSet } from '../shared/types.bicep'
import { purposeName, resourceName } from '../shared/naming.bicep'

// The rollout deploys this for each colour: what it watches exists only after the rollout made it.

@description('Short name of the workload.')
param workload string

@description('Environment.')
@allowed(['dev', 'test', 'prod'])
param environmentName string

@description('Region of the endpoint.')
param location string

@description('Name of the online endpoint.')
param endpointName string

@description('Name of the deployment.')
@allowed(['blue', 'green'])
param deploymentName string

@description('Instances that it keeps while a rollout is under way; 0 for the floor of the environment.')
@minValue(0)
param heldInstances int

@description('Tags.')
param tags tagSet

var scaling = loadJsonContent('../../../ml/models/example/scaling.json')
var instances = scaling.instances[environmentName]
var floor = max(instances.least, heldInstances)
var average = {
  timeGrain: 'PT1M'
  statistic: 'Average'
  timeAggregation: 'Average'
}
var usage = {
  ...average
  metricNamespace: 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments'
  metricName: scaling.metric
  metricResourceUri: endpoint::deployment.id
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: purposeName('mlw', workload, environmentName, 'inference')
}

resource endpoint 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2026-05-01' existing = {
  parent: workspace
  name: endpointName

  resource deployment 'deployments' existing = {
    name: deploymentName
  }
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: resourceName('ag', workload, environmentName)
  scope: resourceGroup(purposeName('rg', workload, environmentName, 'monitoring'))
}

resource autoscale 'Microsoft.Insights/autoscalesettings@2022-10-01' = {
  name: 'autoscale-${deploymentName}'
  location: location
  tags: tags
  properties: {
    enabled: true
    targetResourceUri: endpoint::deployment.id
    profiles: [
      {
        name: 'load'
        capacity: {
          minimum: string(floor)
          default: string(floor)
          maximum: string(max(instances.most, floor))
        }
        rules: [
          {
            metricTrigger: {
              ...usage
              operator: 'GreaterThan'
              threshold: scaling.outAbovePercent
              timeWindow: 'PT5M'
            }
            scaleAction: {
              direction: 'Increase'
              type: 'ChangeCount'
              value: '1'
              cooldown: 'PT5M'
            }
          }
          {
            metricTrigger: {
              ...average
              metricNamespace: 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints'
              metricName: 'RequestLatency'
              metricResourceUri: endpoint.id
              dimensions: [
                {
                  DimensionName: 'deployment'
                  Operator: 'Equals'
                  Values: [
                    deploymentName
                  ]
                }
              ]
              operator: 'GreaterThan'
              threshold: scaling.outAboveLatencyMs
              timeWindow: 'PT5M'
            }
            scaleAction: {
              direction: 'Increase'
              type: 'ChangeCount'
              value: '1'
              cooldown: 'PT5M'
            }
          }
          // Slower than out, so that one quiet moment does not undo what the next one needs.
          {
            metricTrigger: {
              ...usage
              operator: 'LessThan'
              threshold: scaling.inBelowPercent
              timeWindow: 'PT15M'
            }
            scaleAction: {
              direction: 'Decrease'
              type: 'ChangeCount'
              value: '1'
              cooldown: 'PT15M'
            }
          }
        ]
      }
    ]
  }
}

module alerts '../monitoring/metric-alerts.bicep' = {
  name: 'alerts-${deploymentName}'
  scope: resourceGroup(purposeName('rg', workload, environmentName, 'monitoring'))
  params: {
    environmentName: environmentName
    actionGroupId: actionGroup.id
    targets: [
      {
        name: 'deployment-${deploymentName}'
        kind: 'online-deployment'
        id: endpoint::deployment.id
      }
    ]
    tags: tags
  }
}
