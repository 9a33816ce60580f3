targetScope = 'subscription'

import { platform as platformType } from '../shared/types.bicep'
import { purposeName, resourceName } from '../shared/naming.bicep'
import { callee } from 'app.bicep'

// The service between callers and models.

@description('What it builds on.')
param platform platformType

@description('Image by digest for the first deployment of the service; empty keeps what runs, none makes everything but the service.')
param image string

@description('Address of the registry of its image.')
param registryServer string

@description('What it calls.')
param calls callee

@description('Resource id of its subnet.')
param subnetId string

@description('Resource ids of the networks that resolve its name.')
param networkIds string[]

@description('Whether machines and replicas are spread over availability zones.')
param zoneRedundant bool = false

var roles = loadJsonContent('../../roles.json')
var appName = resourceName('ca', platform.workload, platform.environmentName)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: purposeName('rg', platform.workload, platform.environmentName, 'orchestrator')
  location: platform.location
  tags: platform.tags
}

module readers '../platform/resource-group-readers.bicep' = {
  name: 'orchestrator-readers'
  scope: group
  params: {
    groupId: platform.operatorsGroupId
    roleId: roles.reader.id
  }
}

module environment 'environment.bicep' = {
  name: 'orchestrator-environment'
  scope: group
  params: {
    name: resourceName('cae', platform.workload, platform.environmentName)
    platform: platform
    subnetId: subnetId
    managedResourceGroupName: purposeName('rg', platform.workload, platform.environmentName, 'orchestrator-managed')
    zoneRedundant: zoneRedundant
  }
}

module privateName 'private-name.bicep' = {
  name: 'orchestrator-private-name'
  scope: group
  params: {
    domain: environment.outputs.domain
    address: environment.outputs.address
    networkIds: networkIds
    tags: platform.tags
  }
}

module current 'current.bicep' = if (empty(image)) {
  name: 'orchestrator-current'
  scope: group
  params: {
    name: appName
  }
}

module app 'app.bicep' = if (image != 'none') {
  name: 'orchestrator'
  scope: group
  params: {
    name: appName
    platform: platform
    environmentId: environment.outputs.id
    registryServer: registryServer
    image: empty(image) ? current!.outputs.image : image
    traffic: empty(image) ? current!.outputs.traffic : []
    calls: calls
  }
}

@description('Resource id of the service; empty while it does not exist.')
output appId string = image == 'none' ? '' : app!.outputs.id
