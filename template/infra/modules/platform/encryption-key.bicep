import { encryption, tags as tagSet } from '../shared/types.bicep'

@description('Name of the vault that holds the key.')
param vaultName string

@description('Name of the key, after what it encrypts.')
param keyName string

@description('Name of the identity that reaches the key.')
param identityName string

@description('Region.')
param location string

@description('Role definition that wraps and unwraps with the key.')
param encryptionUserRoleId string

@description('Tags.')
param tags tagSet

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: identityName
  location: location
  tags: tags
}

resource key 'Microsoft.KeyVault/vaults/keys@2026-02-01' = {
  parent: vault
  name: keyName
  tags: tags
  properties: {
    kty: 'RSA-HSM'
    keySize: 3072
    keyOps: [
      'wrapKey'
      'unwrapKey'
    ]
    // A new version after a year less a month, so that the old one never expires in use.
    rotationPolicy: {
      attributes: {
        expiryTime: 'P1Y'
      }
      lifetimeActions: [
        {
          action: {
            type: 'rotate'
          }
          trigger: {
            timeBeforeExpiry: 'P30D'
          }
        }
        {
          action: {
            type: 'notify'
          }
          trigger: {
            timeBeforeExpiry: 'P15D'
          }
        }
      ]
    }
  }
}

resource useKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(key.id, identity.id, encryptionUserRoleId)
  scope: key
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', encryptionUserRoleId)
  }
}

@description('What an encrypted resource needs to know.')
output encryption encryption = {
  identityId: identity.id
  identityClientId: identity.properties.clientId
  vaultUri: vault.properties.vaultUri
  vaultId: vault.id
  keyName: key.name
  keyVersion: last(split(key.properties.keyUriWithVersion, '/'))
}
