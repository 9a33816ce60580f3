// Names of resources: abbreviation, workload, environment and purpose, plus five characters where the name must be unique in all of Azure.

@export()
@description('Five characters that are stable for a subscription, workload and environment.')
func uniqueSuffix(subscriptionId string, workload string, environment string) string =>
  take(uniqueString(subscriptionId, workload, environment), 5)

@export()
@description('Name of a resource that must be unique in its resource group only, such as log-vision-dev.')
func resourceName(abbreviation string, workload string, environment string) string =>
  '${abbreviation}-${workload}-${environment}'

@export()
@description('The same with a purpose at the end, such as id-vision-dev-training.')
func purposeName(abbreviation string, workload string, environment string, purpose string) string =>
  '${abbreviation}-${workload}-${environment}-${purpose}'

@export()
@description('Name that is unique in all of Azure, such as kv-vision-dev-x7f3a. At most 24 characters for a two-letter abbreviation.')
func globalName(abbreviation string, workload string, environment string, suffix string) string =>
  '${abbreviation}-${workload}-${environment}-${suffix}'

@export()
@description('The same without hyphens, for storage accounts and container registries. At most 21 characters for a two-letter abbreviation.')
func compactName(abbreviation string, workload string, environment string, suffix string) string =>
  '${abbreviation}${workload}${environment}${suffix}'

@export()
@description('Name of the role that calls the models of an environment and does nothing else.')
func callerRoleName(workload string, environment string) string => 'Model caller (${workload}-${environment})'
