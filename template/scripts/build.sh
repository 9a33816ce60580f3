#!/usr/bin/env bash
# Checks the templates and compiles them with every parameter file into build/, once for all environments.
set -euo pipefail
cd "$(dirname "$0")/.."

# Not the compiler that the machine happens to bring.
export AZURE_BICEP_USE_BINARY_FROM_PATH=false AZURE_BICEP_CHECK_VERSION=false
az bicep install --version v0.49.2

compile() {
  local said
  said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
  if grep -Eq '\) : (Warning|Error) ' <<<"$said"; then
    printf '%s\n' "$said" >&2
    return 1
  fi
}

rm -rf build
mkdir -p build
formatted=$(mktemp)
trap 'rm -f "$formatted"' EXIT

while IFS= read -r -d '' file; do
  az bicep format --file "$file" --outfile "$formatted"
  diff --unified "$file" "$formatted"
done < <(find infra \( -name '*.bicep' -o -name '*.bicepparam' \) -print0 | sort -z)

compile az bicep lint --file infra/main.bicep
compile az bicep build --file infra/main.bicep --outfile build/main.json
for file in infra/*.bicepparam; do
  compile az bicep build-params --file "$file" --outfile "build/$(basename "$file" .bicepparam).parameters.json"
done

git rev-parse HEAD >build/commit.txt
cp VERSION build/version.txt
cp -r scripts build/scripts
