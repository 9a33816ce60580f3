import { tags as tagSet } from '../shared/types.bicep'

@description('Put before the name of each alert, such as alert-vision-dev.')
param prefix string

@description('Resource id of the action group that is told.')
param actionGroupId string

@description('Resource groups whose resources are watched, by name.')
@minLength(1)
param resourceGroupNames string[]

@description('Regions whose incidents matter, by display name, such as Sweden Central.')
@minLength(1)
param regions string[]

@description('Tags.')
param tags tagSet

var runbook = 'docs/runbooks/platform-health.md'

// Global incidents carry this name instead of a region.
var places = concat(regions, ['Global'])

resource serviceHealth 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: '${prefix}-service-health'
  location: 'global'
  tags: tags
  properties: {
    description: 'Azure reports an incident, planned maintenance or a security advisory for a service in a region of the platform. Runbook: ${runbook}'
    enabled: true
    scopes: [
      subscription().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ServiceHealth'
        }
        {
          anyOf: [
            {
              field: 'properties.incidentType'
              equals: 'Incident'
            }
            {
              field: 'properties.incidentType'
              equals: 'Maintenance'
            }
            {
              field: 'properties.incidentType'
              equals: 'Security'
            }
            {
              field: 'properties.incidentType'
              equals: 'ActionRequired'
            }
          ]
        }
        {
          field: 'properties.impactedServices[*].ImpactedRegions[*].RegionName'
          containsAny: places
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
          actionProperties: {
            runbook: runbook
          }
        }
      ]
    }
  }
}

resource resourceHealth 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
  name: '${prefix}-resource-health'
  location: 'global'
  tags: tags
  properties: {
    description: 'A resource of the platform became unavailable or degraded, and nobody here did it. Runbook: ${runbook}'
    enabled: true
    scopes: map(resourceGroupNames, name => '${subscription().id}/resourceGroups/${name}')
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ResourceHealth'
        }
        {
          anyOf: [
            {
              field: 'properties.currentHealthStatus'
              equals: 'Unavailable'
            }
            {
              field: 'properties.currentHealthStatus'
              equals: 'Degraded'
            }
          ]
        }
        {
          // Scaling down or stopping on purpose is no incident.
          anyOf: [
            {
              field: 'properties.cause'
              equals: 'PlatformInitiated'
            }
            {
              field: 'properties.cause'
              equals: 'Unknown'
            }
          ]
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroupId
          actionProperties: {
            runbook: runbook
          }
        }
      ]
    }
  }
}
