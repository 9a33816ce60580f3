@description('Name of the running service.')
param name string

resource app 'Microsoft.App/containerApps@2026-01-01' existing = {
  name: name
}

@description('Image of its newest revision.')
output image string = app.properties.template.containers[0].image

@description('Shares of the traffic that its revisions get.')
output traffic object[] = app.properties.configuration.ingress.traffic
