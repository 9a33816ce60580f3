#!/usr/bin/env bash
# Signs in to Azure with the token of this workflow: there is no secret.
set -euo pipefail
: "${AZURE_CLIENT_ID:?}" "${AZURE_TENANT_ID:?}" "${AZURE_SUBSCRIPTION_ID:?}"

token=$(
  curl --silent --show-error --fail --retry 3 \
    --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=api://AzureADTokenExchange" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["value"])'
)
az login --service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" \
  --federated-token "$token" --output none
az account set --subscription "$AZURE_SUBSCRIPTION_ID"
