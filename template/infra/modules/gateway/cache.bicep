targetScope = 'subscription'

import { platform as platformType } from '../shared/types.bicep'
import { globalName, purposeName } from '../shared/naming.bicep'
import { endpointNetwork } from '../network/private-endpoint.bicep'

// The semantic cache, the way to it, and the right of the gateway to have vectors computed.

@description('What it builds on.')
param platform platformType

@description('Size of the cache, and whether a second node stands in for the first.')
param size { sku: string, highAvailability: bool }

@description('Name of the gateway.')
param gatewayName string

@description('Resource id of the gateway.')
param gatewayId string

@description('Name of the account that computes vectors.')
param accountName string

@description('Name of the deployment that computes vectors.')
param embeddingModel string

@description('Network that reaches the cache.')
param network endpointNetwork

var roles = loadJsonContent('../../roles.json')
var dnsZones = loadJsonContent('../../private-dns-zones.json')

module cache 'semantic-cache.bicep' = {
  name: 'semantic-cache'
  scope: resourceGroup(purposeName('rg', platform.workload, platform.environmentName, 'gateway'))
  params: {
    name: globalName('amr', platform.workload, platform.environmentName, platform.suffix)
    location: platform.location
    sku: size.sku
    highAvailability: size.highAvailability
    gatewayName: gatewayName
    embeddingsUrl: 'https://${accountName}.openai.azure.com/openai/deployments/${embeddingModel}/embeddings'
    logAnalyticsId: platform.logAnalyticsId
    tags: platform.tags
  }
}

module endpoint '../network/private-endpoint.bicep' = {
  name: 'semantic-cache-endpoint'
  scope: resourceGroup(network.resourceGroupName)
  params: {
    name: purposeName('pep', platform.workload, platform.environmentName, 'semantic-cache')
    location: platform.location
    subnetId: network.subnetId
    targetId: cache.outputs.id
    groupId: 'redisEnterprise'
    zoneIds: map(dnsZones.redisEnterprise, zone => '${network.zoneRoot}/${zone}')
    tags: platform.tags
  }
}

module embeddingsAccess 'embeddings-access.bicep' = {
  name: 'gateway-embeddings-access'
  scope: resourceGroup(purposeName('rg', platform.workload, platform.environmentName, 'foundation'))
  params: {
    accountName: accountName
    gatewayId: gatewayId
    roleId: roles.cognitiveServicesOpenAIUser.id
  }
}

@description('Resource id of the cache.')
output id string = cache.outputs.id
