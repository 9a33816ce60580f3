import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the connector.')
@minLength(3)
@maxLength(64)
param name string

@description('Region.')
param location string

@description('Identity that reaches storage.')
param identityId string

@description('Tags.')
param tags tagSet

// Unity Catalog reaches storage as this identity, never with a key.
resource connector 'Microsoft.Databricks/accessConnectors@2026-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {}
}
