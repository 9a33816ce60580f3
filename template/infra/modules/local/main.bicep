// Your own resources. Updates never touch this file; main.bicep deploys it into the platform's resource group.
// Add parameters here and pass them in the parameter of the same name in your own module, or declare resources right away:
// names, region and tags are those of the environment.

@description('Region of the environment.')
param location string

@description('Tags of the environment.')
param tags object

@description('What your own resources are told about the environment.')
output context object = {
  location: location
  tags: tags
}
