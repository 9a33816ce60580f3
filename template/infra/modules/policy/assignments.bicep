@description('Built-in policies: name, display name, definition, effect (empty for the one below) and values of other parameters.')
param policies object[]

@description('What becomes of a change that breaks one.')
@allowed(['Audit', 'Deny'])
param effect string

resource assignments 'Microsoft.Authorization/policyAssignments@2026-07-01' = [
  for policy in policies: {
    name: policy.name
    properties: {
      displayName: policy.displayName
      policyDefinitionId: tenantResourceId('Microsoft.Authorization/policyDefinitions', policy.definition)
      enforcementMode: 'Default'
      parameters: union({ effect: { value: empty(policy.effect) ? effect : policy.effect } }, policy.?values ?? {})
    }
  }
]
