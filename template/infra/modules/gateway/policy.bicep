// Values that differ between environments and consumers are written into the policies when they are deployed.

@export()
@description('The policy with each {{name}} of `values` replaced; other named values are left to the gateway.')
func fill(policy string, values object) string =>
  reduce(items(values), policy, (text, item) => replace(string(text), '{{${item.key}}}', string(item.value)))

@export()
@description('When a back end is left alone: the first refusal opens the breaker for as long as the back end asks for.')
var breaker = {
  rules: [
    {
      name: 'refusals'
      failureCondition: {
        count: 1
        interval: 'PT1M'
        statusCodeRanges: [
          {
            min: 429
            max: 429
          }
          {
            min: 500
            max: 503
          }
        ]
      }
      tripDuration: 'PT1M'
      acceptRetryAfter: true
    }
  ]
}

@export()
@description('When a back end that no other stands in for is left alone: if it asks for that. An error that one request causes shuts nobody else out.')
var loneBreaker = {
  rules: [
    {
      name: 'refusals'
      failureCondition: {
        count: 1
        interval: 'PT1M'
        statusCodeRanges: [
          {
            min: 429
            max: 429
          }
          {
            min: 503
            max: 503
          }
        ]
      }
      tripDuration: 'PT10S'
      acceptRetryAfter: true
    }
  ]
}
