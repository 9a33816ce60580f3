targetScope = 'subscription'

import { identityOf, platform as platformType } from '../shared/types.bicep'
import { compactName, globalName, purposeName, resourceName } from '../shared/naming.bicep'
import { endpointNetwork } from '../network/private-endpoint.bicep'
import { callee } from 'app.bicep'

// The service between callers and models.

@description('What it builds on.')
param platform platformType

@description('Image by digest for the first deployment of the service; empty keeps what runs, none makes everything but the service.')
param image string

@description('Address of the registry of its image.')
param registryServer string

@description('Application (client) id of the registration that callers ask tokens for.')
param clientId string

@description('What it calls.')
param calls callee

@description('Resource id of its subnet.')
param subnetId string

@description('Network of the private endpoints of its vault and of its flags.')
param network endpointNetwork

@description('Principal id of the identity of pipelines, which sets its flags.')
param pipelinePrincipalId string

@description('Resource ids of the networks that resolve its name.')
param networkIds string[]

@description('Whether machines and replicas are spread over availability zones.')
param zoneRedundant bool = false

var roles = loadJsonContent('../../roles.json')
var dnsZones = loadJsonContent('../../private-dns-zones.json')
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

// Of its own, since whoever reads a secret of a vault reads all of them. Its release writes its key of the gateway here.
module vault '../platform/key-vault.bicep' = {
  name: 'orchestrator-vault'
  scope: group
  params: {
    name: '${compactName('kv', platform.workload, platform.environmentName, platform.suffix)}orc'
    location: platform.location
    hardwareKeys: false
    publicAccess: false
    readers: [identityOf(platform.principals, 'orchestrator')]
    readerRoleId: roles.keyVaultSecretsUser.id
    logAnalyticsId: platform.logAnalyticsId
    tags: platform.tags
  }
}

module vaultEndpoint '../network/private-endpoint.bicep' = {
  name: 'orchestrator-vault-endpoint'
  scope: resourceGroup(network.resourceGroupName)
  params: {
    name: purposeName('pep', platform.workload, platform.environmentName, 'orchestrator-vault')
    location: platform.location
    subnetId: network.subnetId
    targetId: vault.outputs.id
    groupId: 'vault'
    zoneIds: map(dnsZones.vault, zone => '${network.zoneRoot}/${zone}')
    tags: platform.tags
  }
}

module flags 'flags.bicep' = {
  name: 'orchestrator-flags'
  scope: group
  params: {
    name: globalName('appcs', platform.workload, platform.environmentName, platform.suffix)
    platform: platform
    writerPrincipalId: pipelinePrincipalId
  }
}

module flagsEndpoint '../network/private-endpoint.bicep' = {
  name: 'orchestrator-flags-endpoint'
  scope: resourceGroup(network.resourceGroupName)
  params: {
    name: purposeName('pep', platform.workload, platform.environmentName, 'orchestrator-flags')
    location: platform.location
    subnetId: network.subnetId
    targetId: flags.outputs.id
    groupId: 'configurationStores'
    zoneIds: map(dnsZones.configurationStores, zone => '${network.zoneRoot}/${zone}')
    tags: platform.tags
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
    clientId: clientId
    calls: calls
    vaultUri: vault.outputs.uri
    flagsUrl: flags.outputs.endpoint
  }
  dependsOn: [
    vaultEndpoint
  ]
}

@description('Resource id of the service; empty while it does not exist.')
output appId string = image == 'none' ? '' : app!.outputs.id

@description('Resource id of the store of its flags.')
output flagsId string = flags.outputs.id

@description('Resource id of its vault.')
output vaultId string = vault.outputs.id

@description('Address of the store of its flags.')
output flagsUrl string = flags.outputs.endpoint
