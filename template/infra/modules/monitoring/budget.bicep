targetScope = 'subscription'

@description('Name of the budget.')
@maxLength(63)
param name string

@description('Amount a month, in the currency of the subscription.')
@minValue(1)
param amount int

@description('First day of the first month, as yyyy-MM-dd. Cannot change once the budget exists.')
param startDate string

@description('Resource groups whose cost counts.')
@minLength(1)
param resourceGroupNames string[]

@description('Mailboxes that are told.')
param contactEmails string[]

@description('Resource ids of action groups that are told.')
param contactGroups string[]

// At most five notifications are allowed on a budget.
var thresholds = [
  {
    name: 'spent-80-percent'
    type: 'Actual'
    percent: 80
  }
  {
    name: 'spent-100-percent'
    type: 'Actual'
    percent: 100
  }
  {
    name: 'forecast-100-percent'
    type: 'Forecasted'
    percent: 100
  }
  {
    name: 'forecast-110-percent'
    type: 'Forecasted'
    percent: 110
  }
]

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    filter: {
      dimensions: {
        name: 'ResourceGroupName'
        operator: 'In'
        values: resourceGroupNames
      }
    }
    notifications: toObject(thresholds, item => item.name, item => {
      enabled: true
      operator: 'GreaterThanOrEqualTo'
      threshold: item.percent
      thresholdType: item.type
      contactEmails: contactEmails
      contactGroups: contactGroups
    })
  }
}
