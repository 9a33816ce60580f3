targetScope = 'subscription'

import { callerRoleName } from '../shared/naming.bicep'

// Deployed by a person (scripts/bootstrap.py role), once for each environment: defining roles is a right that the identity of the
// pipelines does not have. The platform refers to the role by its name.

@description('Short name of the workload.')
@minLength(2)
@maxLength(10)
param workload string

@description('Environment whose models it calls.')
@allowed(['dev', 'test', 'prod'])
param environmentName string

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, callerRoleName(workload, environmentName))
  properties: {
    roleName: callerRoleName(workload, environmentName)
    description: 'Calls online endpoints of Azure Machine Learning, and nothing else.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action'
        ]
      }
    ]
  }
}
