import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the private link scope.')
param name string

@description('Resource ids of the Log Analytics workspace and the Application Insights component, by a short name.')
param linked { name: string, id: string }[]

@description('Tags.')
param tags tagSet

resource linkScope 'microsoft.insights/privateLinkScopes@2021-09-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    accessModeSettings: {
      ingestionAccessMode: 'PrivateOnly'
      queryAccessMode: 'PrivateOnly'
    }
  }
}

resource members 'microsoft.insights/privateLinkScopes/scopedResources@2021-09-01' = [
  for item in linked: {
    parent: linkScope
    name: item.name
    properties: {
      linkedResourceId: item.id
    }
  }
]

@description('Resource id of the private link scope.')
output id string = linkScope.id
