import { principal } from '../shared/types.bicep'

@description('Name of the key vault.')
param vaultName string

@description('Name of the certificate, which is the name of its secret too.')
param certificateName string

@description('Identity that reads it.')
param reader principal

@description('Role definition.')
param roleId string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource certificate 'Microsoft.KeyVault/vaults/secrets@2026-02-01' existing = {
  parent: vault
  name: certificateName
}

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(certificate.id, reader.id, roleId)
  scope: certificate
  properties: {
    principalId: reader.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}

@description('Address of the certificate, without a version.')
output uri string = '${vault.properties.vaultUri}secrets/${certificateName}'
