import { tags as tagSet } from '../shared/types.bicep'

@description('Title, as the portal lists it.')
param title string

@description('Region.')
param location string

@description('Resource id of the Log Analytics workspace that it reads.')
param logAnalyticsId string

@description('How the names of the platform\'s resource groups start, such as rg-vision-dev-. Rows of other resources are not shown.')
param resourceGroupPrefix string

@description('Tags.')
param tags tagSet

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'platform')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: title
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: logAnalyticsId
    serializedData: replace(
      loadTextContent('../../../monitoring/workbooks/platform.json'),
      'RESOURCE-GROUP-PREFIX',
      toLower(resourceGroupPrefix)
    )
  }
}
