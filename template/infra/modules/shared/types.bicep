// Types that main.bicep and several modules share.

@export()
@description('A component of the platform: it has an identity of its own and only the access that is written here.')
type component = {
  @description('Name, part of the name of its identity.')
  name: string

  @description('Storage containers that it reads.')
  reads: string[]

  @description('Storage containers that it reads and writes.')
  writes: string[]

  @description('Whether it pulls container images.')
  pullsImages: bool

  @description('Whether it sends telemetry to Application Insights.')
  sendsTelemetry: bool

  @description('Whether it manages the registry and Application Insights, as an Azure Machine Learning workspace does.')
  manages: bool
}

@export()
@description('The identity of a component.')
type principal = {
  @description('Name of the component.')
  name: string

  @description('Resource id of its identity.')
  id: string

  @description('Principal id of its identity.')
  principalId: string

  @description('Client id of its identity.')
  clientId: string
}

@export()
@description('The tags of every resource.')
type tags = {
  @description('Short name of the workload.')
  workload: string

  @description('Environment: dev, test or prod.')
  environment: string

  @description('Mailbox of the owner.')
  owner: string

  @description('Cost centre that pays.')
  costCenter: string

  @description('Criticality of an outage: low, medium or high.')
  criticality: string

  @description('Most sensitive class of data: public, internal, confidential or restricted.')
  dataClassification: string
}

@export()
@description('A customer-managed key and the identity that reaches it.')
type encryption = {
  @description('Resource id of the user-assigned identity.')
  identityId: string

  @description('Client id of the same identity.')
  identityClientId: string

  @description('Address of the vault.')
  vaultUri: string

  @description('Resource id of the vault.')
  vaultId: string

  @description('Name of the key, without a version: new versions are followed.')
  keyName: string

  @description('Version of the key, for services that do not follow new versions by themselves.')
  keyVersion: string
}

@export()
@description('What every function of the platform builds on.')
type platform = {
  @description('Short name of the workload.')
  workload: string

  @description('Environment.')
  environmentName: string

  @description('Region.')
  location: string

  @description('Characters that make a name unique in all of Azure.')
  suffix: string

  @description('Object id of the Entra group of the operators.')
  operatorsGroupId: string

  @description('Identities of the components.')
  principals: principal[]

  @description('Public address ranges that reach the services; empty where only private endpoints do.')
  allowedIpRanges: string[]

  @description('Resource id of the Log Analytics workspace.')
  logAnalyticsId: string

  @description('Resource id of Application Insights.')
  applicationInsightsId: string

  @description('Tags.')
  tags: tags
}

@export()
@description('The identity of one component.')
func identityOf(principals principal[], name string) principal => filter(principals, item => item.name == name)[0]
