targetScope = 'subscription'

@description('Name of the role.')
param name string

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name)
  properties: {
    roleName: name
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

@description('Resource id of the role.')
output id string = role.id
