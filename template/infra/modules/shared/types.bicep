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
}

@export()
@description('The identity of a component.')
type principal = {
  @description('Name of the component.')
  name: string

  @description('Principal id of its identity.')
  principalId: string
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

  @description('Name of the key, without a version: new versions are followed.')
  keyName: string
}
