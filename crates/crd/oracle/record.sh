#!/usr/bin/env bash
# Records anew what a real kube-apiserver answers to the definitions in ../tests/data: run it after adding one, or for
# another version of Kubernetes. Needs the binary of testcluster (its build.sh prints where it is), curl and jq.
#
#   oracle/record.sh PATH_OF_TESTCLUSTER
#
# A new case is a JSON file: in bad/ a definition, in update/ the definition before and after ({"old":…,"new":…}).
set -euo pipefail
binary=$1
data=$(cd "$(dirname "$0")/../tests/data" && pwd)
work=$(mktemp -d)
exec 3> >("$binary" up --dir "$work/cluster" --stop-on-stdin-eof > "$work/up")
trap 'exec 3>&-; sleep 2; rm -rf "$work"' EXIT
until grep -q server "$work/up" 2> /dev/null; do sleep 0.2; done
config=$work/cluster/admin.kubeconfig
server=$(jq -r .server "$work/up")
token=$("$binary" kubectl --kubeconfig "$config" config view --raw -o json | jq -r '.users[0].user.token')
path=/apis/apiextensions.k8s.io/v1/customresourcedefinitions

# Sends $3 (a file) by $1 to the path $2; the answer is in $work/answer, with its warnings.
ask() {
  curl -sk -X "$1" "$server$2" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -D "$work/head" ${3:+--data-binary "@$3"} > "$work/body" || echo '{"code":0}' > "$work/body"
  sed -n 's/\r$//; s/^[Ww]arning: //p' "$work/head" | jq -R . | jq -s . > "$work/warnings"
}

remove() {
  ask DELETE "$path/$1"
  until ask GET "$path/$1" && jq -e '.code == 404' "$work/body" > /dev/null; do sleep 0.05; done
}

# Waits until the definition $1 has as many conditions as it gets.
settle() {
  for _ in $(seq 40); do
    ask GET "$path/$1"
    jq -e '.status.conditions[]? | select(.type == "Established" and .status == "True")' "$work/body" > /dev/null && break
    sleep 0.05
  done
}

# What a case's file keeps of a refusal.
# shellcheck disable=SC2016 # the names are jq's
refusal='{code: .code, causes: (.details.causes // []), warnings: $warnings[0]}'

for file in "$data"/bad/*.json; do
  [[ $file == *.status.json ]] && continue
  ask POST "$path" "$file"
  if jq -e '.kind == "Status"' "$work/body" > /dev/null; then
    jq --indent 1 --slurpfile warnings "$work/warnings" "$refusal" "$work/body" > "${file%.json}.status.json"
  else
    jq --indent 1 -n --slurpfile warnings "$work/warnings" '{code: 201, causes: [], warnings: $warnings[0]}' \
      > "${file%.json}.status.json"
    remove "$(jq -r .metadata.name "$work/body")"
  fi
done

for file in "$data"/update/*.json; do
  [[ $file == *.status.json ]] && continue
  jq '.old | {apiVersion, kind, metadata: {name: .metadata.name, annotations: .metadata.annotations}, spec}' "$file" > "$work/old"
  ask POST "$path" "$work/old"
  name=$(jq -r .metadata.name "$work/body")
  settle "$name"
  cp "$work/body" "$work/stored"
  jq --slurpfile stored "$work/stored" '.new | .metadata.resourceVersion = $stored[0].metadata.resourceVersion
    | .metadata.name = $stored[0].metadata.name' "$file" > "$work/new"
  ask PUT "$path/$name" "$work/new"
  cp "$work/body" "$work/answer"
  cp "$work/warnings" "$work/kept"
  if jq -e '.kind == "Status"' "$work/answer" > /dev/null; then
    jq --indent 1 --slurpfile warnings "$work/kept" "$refusal" "$work/answer" > "${file%.json}.status.json"
  else
    sleep 0.5
    ask GET "$path/$name"
    jq --indent 1 --slurpfile warnings "$work/kept" --slurpfile later "$work/body" \
      '{code: 200, causes: [], warnings: $warnings[0], status, generation: .metadata.generation, later: $later[0].status}' \
      "$work/answer" > "${file%.json}.status.json"
  fi
  jq --indent 1 --slurpfile stored "$work/stored" '.old = ($stored[0] | del(.metadata.managedFields))' "$file" > "$work/case"
  cp "$work/case" "$file"
  remove "$name"
done
