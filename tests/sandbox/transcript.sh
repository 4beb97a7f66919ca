#!/usr/bin/env bash
# Why: people know a cluster by what kubectl prints. This shows every verb that the sandbox has to stand, as a
# user would see it, to be read by a person; it fails if one of the commands does not end as it would on a cluster.
#
# usage: tests/sandbox/transcript.sh     (CHAOSCTL=… and KUBECTL=… name other programs)
set -u

CHAOSCTL=${CHAOSCTL:-chaosctl}
KUBECTL=${KUBECTL:-kubectl}
export NO_COLOR=1 HOME CHAOSCTL_HOME KUBECONFIG
HOME=$(mktemp -d)
CHAOSCTL_HOME=$HOME/chaosctl
KUBECONFIG=$HOME/kubeconfig
failed=()

leave() {
  "$CHAOSCTL" sandbox down >/dev/null
  rm -rf "$HOME"
}
trap leave EXIT
trap 'exit 130' INT TERM

# ends CODE COMMAND…: print a command and its output; its exit code must be CODE.
ends() {
  local expected=$1 code
  shift
  printf '\n$ %s\n' "${*/#$KUBECTL/kubectl}"
  timeout 60 "$@" 2>&1 </dev/null
  code=$?
  [[ $code == "$expected" ]] && return
  printf '!! exit %s where %s was expected\n' "$code" "$expected"
  failed+=("$*")
}

k() { ends 0 "$KUBECTL" "$@"; }

title() { printf '\n## %s\n' "$*"; }

field() { "$KUBECTL" get "$1" -o "jsonpath=$2"; }

first_pod() { "$KUBECTL" get pods -l "app=$1" -o 'jsonpath={.items[0].metadata.name}'; }

# watched SECONDS ARGUMENTS…: what kubectl prints in this time while the command after `--` runs.
watched() {
  local seconds=$1 arguments=()
  shift
  while [[ $1 != -- ]]; do arguments+=("$1"); shift; done
  shift
  printf '\n$ kubectl %s   # while: kubectl %s\n' "${arguments[*]}" "$*"
  timeout "$seconds" "$KUBECTL" "${arguments[@]}" 2>&1 &
  local watching=$!
  "$KUBECTL" "$@" >/dev/null || failed+=("$*")
  wait "$watching"
  [[ $? == 124 ]] || failed+=("${arguments[*]}")
}

"$CHAOSCTL" sandbox up --kubeconfig "$KUBECONFIG" || exit 1
image=chaosctl.dev/sample-model
"$KUBECTL" config set-context --current --namespace=models >/dev/null

title looking
k version
k get nodes -o wide
k get nodes -L topology.kubernetes.io/zone,topology.kubernetes.io/region
k get all
k get pods -o wide
k get deployment sample-model -o yaml
k get service sample-model -o json
k get endpointslices
k get pods -A
k describe deployment sample-model
k describe pod "$(first_pod sample-model)"
k describe service sample-model
k logs "$(first_pod sample-model)" --tail=3
k logs deployment/sample-model --tail=1
k events --for deployment/sample-model

title making
k create deployment web --image=$image:stable --replicas=2 --port=8080
k rollout status deployment/web --timeout=30s
ends 1 "$KUBECTL" create deployment web --image=$image:stable
k create namespace spare
manifest='apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n%s: {level: low}\n'
printf "$manifest" data >"$HOME/settings.yaml"
k apply -f "$HOME/settings.yaml"
k apply -f "$HOME/settings.yaml"
k get configmap settings -o yaml
printf "$manifest" date >"$HOME/misspelt.yaml"
ends 1 "$KUBECTL" apply -f "$HOME/misspelt.yaml"

title changing
k scale deployment/web --replicas=3
k wait --for=jsonpath='{.status.readyReplicas}'=3 deployment/web --timeout=30s
k wait --for=condition=Available deployment/web --timeout=30s
k label deployment web team=scoring
k annotate deployment web kubernetes.io/change-cause='first words'
k get deployment web --show-labels
watched 5 get pods -l app=web -w -- delete pod "$(first_pod web)" --wait=false
k set env deployment/web LEVEL=high
k rollout status deployment/web --timeout=30s
k set image deployment/web sample-model=$image:wrong-weights
k rollout status deployment/web --timeout=30s
k rollout history deployment/web
k rollout history deployment/web --revision=2
k rollout undo deployment/web
k rollout status deployment/web --timeout=30s
k rollout undo deployment/web --to-revision=1
k rollout status deployment/web --timeout=30s
k rollout restart deployment/web
k rollout status deployment/web --timeout=30s
k rollout history deployment/web
k get replicasets -l app=web -o wide
k set image deployment/web sample-model=nobody/has:this
ends 1 "$KUBECTL" rollout status deployment/web --timeout=4s
k get pods -l app=web
k describe pod -l app=web,pod-template-hash="$("$KUBECTL" get rs -l app=web -o jsonpath='{range .items[?(@.spec.template.spec.containers[0].image=="nobody/has:this")]}{.metadata.labels.pod-template-hash}{end}')"
k rollout undo deployment/web
k rollout status deployment/web --timeout=30s

title asking
k auth can-i create deployments
k auth can-i --list
ends 1 "$KUBECTL" auth can-i delete pods --as=system:serviceaccount:models:default

title draining
k create poddisruptionbudget web --selector=app=web --min-available=2
k get poddisruptionbudgets
node=$(field "pod/$(first_pod web)" '{.spec.nodeName}')
k cordon "$node"
k get nodes
k drain "$node" --ignore-daemonsets --delete-emptydir-data --force --timeout=40s
k get pods -A -o wide --field-selector "spec.nodeName=$node"
k uncordon "$node"
k wait --for=condition=Available deployment/web --timeout=30s
k events --types=Warning

title deleting
k delete pod "$(first_pod web)"
k delete configmap settings
k delete deployment web
ends 1 "$KUBECTL" get deployment web
k wait --for=delete pod -l app=web --timeout=40s
k delete namespace spare
k get all

title "the end: ${#failed[@]} unexpected"
for command in "${failed[@]}"; do printf '!! %s\n' "$command"; done
[[ ${#failed[@]} == 0 ]]
