import { tags as tagSet } from '../shared/types.bicep'

@export()
@description('A person who explores.')
type seat = {
  @description('Name of the machine: letters, digits and hyphens, a letter after each hyphen, unique in the region.')
  @minLength(3)
  @maxLength(24)
  name: string

  @description('Object id of the person in Entra; nobody else can open the machine.')
  @minLength(36)
  @maxLength(36)
  objectId: string
}

@export()
@description('When machines run.')
type workingHours = {
  @description('Minutes without activity after which a machine stops.')
  @minValue(15)
  @maxValue(4320)
  idleMinutes: int

  @description('Cron expression of the start of the working day.')
  start: string

  @description('Cron expression of its end.')
  stop: string

  @description('Windows name of the time zone of both.')
  timeZone: string
}

@description('Name of the workspace.')
param workspaceName string

@description('Region.')
param location string

@description('One machine for each.')
param seats seat[]

@description('Size of the machines.')
param vmSize string

@description('When they run.')
param hours workingHours

@description('Object id of the Entra group whose people work in the workspace.')
param groupId string

@description('Role definitions that they get: use the workspace, start and stop machines.')
param roleIds string[]

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' existing = {
  name: workspaceName
}

// No identity: people use their own, so a log names who read what, and a machine with one would not stop when idle.
resource machines 'Microsoft.MachineLearningServices/workspaces/computes@2026-05-01' = [
  for item in seats: {
    parent: workspace
    name: item.name
    location: location
    tags: tags
    properties: {
      computeType: 'ComputeInstance'
      disableLocalAuth: true
      properties: {
        vmSize: vmSize
        applicationSharingPolicy: 'Personal'
        computeInstanceAuthorizationType: 'personal'
        personalComputeInstanceSettings: {
          assignedUser: {
            objectId: item.objectId
            tenantId: tenant().tenantId
          }
        }
        enableNodePublicIp: false
        sshSettings: {
          sshPublicAccess: 'Disabled'
        }
        idleTimeBeforeShutdown: 'PT${hours.idleMinutes}M'
        schedules: {
          computeStartStop: [
            {
              action: 'Start'
              triggerType: 'Cron'
              status: 'Enabled'
              cron: {
                expression: hours.start
                timeZone: hours.timeZone
              }
            }
            {
              action: 'Stop'
              triggerType: 'Cron'
              status: 'Enabled'
              cron: {
                expression: hours.stop
                timeZone: hours.timeZone
              }
            }
          ]
        }
      }
    }
  }
]

resource people 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleId in roleIds: {
    name: guid(workspace.id, groupId, roleId)
    scope: workspace
    properties: {
      principalId: groupId
      principalType: 'Group'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
