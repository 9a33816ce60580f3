import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the action group.')
@maxLength(260)
param name string

@description('Name in mails and text messages.')
@maxLength(12)
param shortName string

@description('Mailbox that is told.')
param email string

@description('Tags.')
param tags tagSet

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: shortName
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

@description('Resource id of the action group.')
output id string = actionGroup.id
