import { tags as tagSet } from '../shared/types.bicep'

@export()
@description('Kind of a watched resource: the rules of monitoring/alert-rules.json that name it apply.')
type targetKind =
  | 'application-gateway'
  | 'application-insights'
  | 'container-app'
  | 'firewall'
  | 'flag-store'
  | 'foundry-account'
  | 'gateway-classic'
  | 'gateway-v2'
  | 'key-vault'
  | 'kubernetes-cluster'
  | 'log-analytics'
  | 'measured-workspace'
  | 'ml-workspace'
  | 'online-deployment'
  | 'online-endpoint'
  | 'overflow-account'
  | 'semantic-cache'
  | 'storage-account'

@export()
@description('A resource that is watched.')
type target = {
  @description('Name, part of the name of each alert, such as training-workspace.')
  name: string

  @description('What it is.')
  kind: targetKind

  @description('Resource id.')
  id: string
}

@export()
@description('Severity in an environment: what wakes somebody up for prod waits for working hours in test and dev.')
func severityIn(environmentName string, severity int) int =>
  max(severity, environmentName == 'prod' ? 0 : environmentName == 'test' ? 2 : 3)

@description('Environment: outside prod no alert is urgent.')
@allowed(['dev', 'test', 'prod'])
param environmentName string

@description('Resource id of the action group that is told.')
param actionGroupId string

@description('Resources that are watched.')
param targets target[]

@description('Tags.')
param tags tagSet

var rules = loadJsonContent('../../../monitoring/alert-rules.json').metrics
var alerts = flatten(map(
  targets,
  item =>
    map(filter(rules, rule => rule.kind == item.kind), rule => {
      name: 'alert-${item.name}-${rule.name}'
      scope: item.id
      rule: rule
      metric: {
        name: rule.name
        metricNamespace: rule.namespace
        metricName: rule.metric
        timeAggregation: rule.aggregation
        operator: rule.operator
        dimensions: map(rule.dimensions, dimension => {
          name: dimension.name
          operator: dimension.?operator ?? 'Include'
          values: dimension.values
        })
      }
    })
))

resource metricAlerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for alert in alerts: {
    name: alert.name
    location: 'global'
    tags: tags
    properties: {
      description: '${alert.rule.description} Runbook: ${alert.rule.runbook}'
      severity: severityIn(environmentName, alert.rule.severity)
      enabled: true
      scopes: [
        alert.scope
      ]
      evaluationFrequency: alert.rule.frequency
      windowSize: alert.rule.window
      autoMitigate: true
      criteria: empty(alert.rule.?sensitivity)
        ? {
            'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
            allOf: [
              union(alert.metric, {
                criterionType: 'StaticThresholdCriterion'
                threshold: alert.rule.threshold
              })
            ]
          }
        : {
            // What is usual is learned from the days before; four windows in a row must stand out.
            'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
            allOf: [
              union(alert.metric, {
                criterionType: 'DynamicThresholdCriterion'
                alertSensitivity: alert.rule.sensitivity
                failingPeriods: {
                  numberOfEvaluationPeriods: 4
                  minFailingPeriodsToAlert: 4
                }
              })
            ]
          }
      actions: [
        {
          actionGroupId: actionGroupId
        }
      ]
      customProperties: {
        runbook: alert.rule.runbook
      }
    }
  }
]
