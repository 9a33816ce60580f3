// Your own resources. Updates never touch this file; main.bicep deploys it into the platform's resource group.
// Declare resources here, or modules beside it. Parameters of your own need a default: main.bicep passes these two and no others.

@description('Region of the environment.')
param location string

@description('Tags of the environment.')
param tags object

@description('Region and tags, for whatever you declare; nothing else uses them yet.')
output context object = {
  location: location
  tags: tags
}
