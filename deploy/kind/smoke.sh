#!/usr/bin/env bash
# Installs run-job in a cluster and shows there that its promises hold. Works on any cluster that kubectl reaches.
set -euo pipefail

usage() {
  cat <<'HELP'
Installs run-job in a Kubernetes cluster, runs its jobs, and checks what came of them.

Usage: deploy/kind/smoke.sh [flags]

Without flags it creates a kind cluster, builds the image, loads it, runs the checks and
deletes the cluster. It needs docker, kind, kubectl and helm then.

Flags
  --existing          use the cluster that kubectl points at; nothing outside the
                      namespace is changed. Needs --image, kubectl and helm only
  --context NAME      the kubectl context to use, with --existing
  --image REF         use this image instead of building one: name:tag or name@sha256:…
                      A kind cluster gets it loaded; any other must be able to pull it
  --namespace NAME    a namespace that doesn't exist yet (run-job-smoke)
  --cluster NAME      name of the kind cluster (run-job)
  --timeout SECONDS   the longest wait for any one thing (300)
  --keep              leave the namespace and the cluster as they are at the end
  -h, --help          this text

What it checks
  the migration and `helm test` (run-job doctor), which finds the entry that can't work;
  database_cleanup deletes what is due and nothing else; report_generator's message is
  consumed; each run is recorded; a second concurrent Job is skipped; a Job that is deleted
  ends as interrupted; an Indexed Job's shards do the whole; a misconfigured Job fails at
  once, without a retry, and says why; a suspended CronJob stays so when the release is
  upgraded and rolled back; uninstall.

When something fails it prints the pods' logs, the events and the termination messages, and
exits with 1; a pod that can't start, for want of its image, its network or a volume, is
given a minute, as is a Job that gets no pod. However it
ends, it waits until its namespace is gone. Pod Security `restricted` is enforced there.
HELP
}

why=
fail() {
  why="$*"
  echo "smoke: $why" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
release=smoke
namespace=run-job-smoke
cluster=run-job
context=
image=
existing=false
keep=false
timeout=300
# How long a pod may be unable to start, in seconds.
stuck_after=${SMOKE_STUCK_AFTER:-60}

while [ $# -gt 0 ]; do
  case "$1" in
    --existing) existing=true ;;
    --keep) keep=true ;;
    --context | --image | --namespace | --cluster | --timeout)
      if [ -z "${2-}" ]; then fail "$1 needs a value; see --help"; fi
      declare "${1#--}=$2"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown flag $1; see --help" ;;
  esac
  shift
done

[[ $timeout =~ ^[1-9][0-9]*$ ]] || fail "--timeout must be a number of seconds, such as 300"
if $existing; then
  [ -n "$image" ] || fail "--existing needs --image: there is no telling how this cluster gets an image that is built here"
elif [ -n "$context" ]; then
  fail "--context goes with --existing"
fi

need() {
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "$program is missing: install it, or see --help for what can be left out"
  done
}

kube=(kubectl)
helm=(helm)
step=start
made_cluster=false
made_namespace=false

k() { "${kube[@]}" -n "$namespace" "$@"; }

say() {
  step="$*"
  echo "== $*"
}

# The broad view comes last, where a terminal shows it.
diagnose() {
  echo "smoke: FAILED at: $step" >&2
  {
    for pod in $(k get pods -o name); do
      echo "-- logs of $pod"
      k logs "$pod" --all-containers --tail=40
    done
    echo "-- cluster"
    "${kube[@]}" version
    echo "-- objects"
    k get cronjobs,jobs,pods,configmaps,secrets,networkpolicies -o wide
    echo "-- events"
    k get events --sort-by=.metadata.creationTimestamp | tail -n 60
    echo "-- how containers ended: pod, container, exit code, reason, message"
    k get pods -o jsonpath='{range .items[*]}{.metadata.name}{range .status.containerStatuses[*]}{"\t"}{.name}{"\t"}{.state.terminated.exitCode}{"\t"}{.state.terminated.reason}{.state.waiting.reason}{"\t"}{.state.terminated.message}{.state.waiting.message}{end}{"\n"}{end}'
    echo "smoke: FAILED at: $step${why:+: $why}"
  } >&2 2>&1 || true
}

finish() {
  code=$?
  trap - EXIT
  case $code in
    0) ;;
    130 | 143) echo "smoke: stopped at: $step" >&2 ;;
    *) if $made_namespace; then diagnose; fi ;;
  esac
  if $keep; then
    if $made_namespace; then echo "kept: namespace $namespace$($made_cluster && echo " in kind cluster $cluster")"; fi
  elif $made_cluster; then
    kind delete cluster --name "$cluster" || true
  elif $made_namespace; then
    "${kube[@]}" delete namespace "$namespace" --timeout="${timeout}s" || true
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The newest warning about an object.
warning() {
  k get events --field-selector "type=Warning,involvedObject.name=$1" --sort-by=.lastTimestamp \
    -o jsonpath='{.items[-1:].reason}{": "}{.items[-1:].message}' 2>/dev/null || true
}

# What can't start, and why. A pod whose network or volumes aren't there has no container yet that could say so, and a Job whose pods
# are refused has none at all: their events do.
stuck_pods() {
  k get pods -o jsonpath='{range .items[?(@.status.phase=="Pending")]}{.metadata.name}{" "}{.status.conditions[?(@.type=="PodReadyToStartContainers")].status}{"\n"}{end}' 2>/dev/null |
    while read -r pod ready; do if [ "$ready" = False ]; then echo "pod $pod: $(warning "$pod")"; fi; done
  k get jobs -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.status.active}{.status.succeeded}{.status.failed}{.status.conditions[0].type}{"\n"}{end}' 2>/dev/null |
    while read -r job state; do if [ -n "$job" ] && [ -z "$state" ]; then echo "job $job: $(warning "$job")"; fi; done
  k get pods -o jsonpath='{range .items[*]}{"pod "}{.metadata.name}{": "}{range .status.containerStatuses[*]}{.state.waiting.reason}{": "}{.state.waiting.message}{end}{"\n"}{end}' 2>/dev/null |
    grep -E ': (ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainerConfigError|CreateContainerError|RunContainerError|CrashLoopBackOff): ' || true
}

# Repeats a command until it succeeds, the time is up, or a pod hasn't got out of not starting for a minute.
until_ok() {
  local what=$1 end=$((SECONDS + timeout)) fine=$SECONDS stuck=
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "waited ${timeout} s in vain for $what${stuck:+; $stuck}"
    stuck=$(stuck_pods)
    if [ -z "$stuck" ]; then fine=$SECONDS; fi
    [ $((SECONDS - fine)) -lt "$stuck_after" ] || fail "waiting for $what, but $stuck"
    sleep 2
  done
}

sql() { k exec -i deployment/postgres -- psql -U app -d app -v ON_ERROR_STOP=1 -XAtq "$@"; }

equal() {
  [ "$2" = "$3" ] || fail "$1: expected '$3', got '$2'"
  echo "   $1: $2"
}

cronjob() { echo "cronjob/$release-run-job-$1"; }
start_job() { k create job "$1" --from="$(cronjob "$2")" >/dev/null; }
condition() { k get job "$1" -o jsonpath="{.status.conditions[?(@.type==\"$2\")].status}"; }
is_over() { [ "$(condition "$1" Complete)$(condition "$1" Failed)" = True ]; }
# The termination messages of a Job's pods: what `kubectl describe pod` shows.
messages() {
  k get pods -l "batch.kubernetes.io/job-name=$1" \
    -o jsonpath='{range .items[*]}{.status.containerStatuses[?(@.name=="run-job")].state.terminated.message}{"\n"}{end}'
}

expect_end() {
  local job=$1 wanted=$2
  until_ok "job $job to end" is_over "$job"
  [ "$(condition "$job" "$wanted")" = True ] || fail "job $job should end as $wanted; it said: $(messages "$job")"
  echo "   $job: $wanted"
}

expect_message() {
  local said
  said=$(messages "$1")
  [[ $said == *"$2"* ]] || fail "the termination message of job $1 should hold $2: $said"
  echo "   $1 said: $2"
}

need kubectl helm
if $existing; then
  if [ -n "$context" ]; then
    kube+=(--context "$context")
    helm+=(--kube-context "$context")
  fi
else
  need kind docker
  say "create the kind cluster $cluster"
  if kind get clusters 2>/dev/null | grep -qx "$cluster"; then
    fail "a kind cluster $cluster is there already: choose another name with --cluster, or use it with --existing"
  fi
  made_cluster=true
  kind create cluster --name "$cluster" --config "$here/cluster.yaml" --wait "${timeout}s"
  kube+=(--context "kind-$cluster")
  helm+=(--kube-context "kind-$cluster")
  if [ -z "$image" ]; then
    image=localhost/run-job:smoke
    say "build $image"
    docker build -t "$image" "$root"
  fi
  docker image inspect "$image" >/dev/null 2>&1 || docker pull "$image"
  say "load $image into the cluster"
  kind load docker-image "$image" --name "$cluster"
fi

say "reach the cluster"
"${kube[@]}" version || fail "kubectl reaches no cluster; set --context, or KUBECONFIG"
phase=$("${kube[@]}" get namespace "$namespace" -o jsonpath='{.status.phase}' 2>/dev/null) || phase=
if [ "$phase" = Terminating ]; then
  say "wait until the namespace $namespace of before is gone"
  "${kube[@]}" wait --for=delete "namespace/$namespace" --timeout="${timeout}s"
elif [ -n "$phase" ]; then
  fail "the namespace $namespace is there already: delete it, or choose another with --namespace"
fi

# A colon before the last slash belongs to the registry's port.
case "${image##*/}" in
  *@sha256:*) image_values=(--set-string "image.repository=${image%@*}" --set-string "image.digest=${image#*@}") ;;
  *:*) image_values=(--set-string "image.repository=${image%:*}" --set-string "image.tag=${image##*:}") ;;
  *) image_values=(--set-string "image.repository=$image" --set-string image.tag=latest) ;;
esac
install=(--namespace "$namespace" --values "$here/values.yaml" "${image_values[@]}" --timeout "${timeout}s")

say "create the namespace $namespace, with Pod Security restricted"
"${kube[@]}" create namespace "$namespace"
made_namespace=true
"${kube[@]}" label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted

say "start PostgreSQL and RabbitMQ"
k apply -f "$here/services.yaml"
until_ok "PostgreSQL to be ready" k rollout status deployment/postgres --timeout=5s
until_ok "RabbitMQ to be ready" k rollout status deployment/rabbitmq --timeout=5s
sql <"$here/seed.sql"
k create secret generic run-job-env \
  --from-literal=DATABASE_URL=postgres://app:smoke@postgres:5432/app \
  --from-literal=AMQP_URL=amqp://app:smoke@rabbitmq:5672

# Runs consume.mjs in the cluster, with the Node of the image.
rabbit() {
  k apply -f - >/dev/null <<YAML
apiVersion: batch/v1
kind: Job
metadata: {name: rabbit-$1}
spec:
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: rabbit
          image: "$image"
          imagePullPolicy: IfNotPresent
          command: [/nodejs/bin/node, /scripts/consume.mjs, $1]
          env:
            - {name: RABBITMQ_PASSWORD, valueFrom: {secretKeyRef: {name: services, key: password}}}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: scripts, mountPath: /scripts}]
      volumes:
        - {name: scripts, configMap: {name: rabbit-scripts}}
YAML
  expect_end "rabbit-$1" Complete
}
k create configmap rabbit-scripts --from-file=consume.mjs="$here/consume.mjs"
rabbit declare

say "helm install: the migration runs first"
"${helm[@]}" install "$release" "$root/helm/run-job" "${install[@]}"
equal "tables of the history" "$(sql -c "select count(*) from pg_tables where schemaname = 'run_job' and tablename = 'runs'")" 1

say "helm test: run-job doctor"
doctor=(--namespace "$namespace" --timeout "${timeout}s")
"${helm[@]}" test "$release" "${doctor[@]}" --logs --filter "!name=$release-run-job-doctor-misconfigured"
if "${helm[@]}" test "$release" "${doctor[@]}" --filter "name=$release-run-job-doctor-misconfigured" >/dev/null 2>&1; then
  fail "helm test should have found that the entry misconfigured can't work"
fi

say "database_cleanup deletes what is due, and nothing else"
start_job cleanup database-cleanup
expect_end cleanup Complete
equal "rows that were due" "$(sql -c "select count(*) from payments where deleted_at < now() - interval '90 days'")" 0
equal "rows that weren't" "$(sql -c "select count(*) from payments")" 600
equal "records" "$(sql -c "select count(*) from run_job.runs where job = 'database_cleanup' and status = 'succeeded'")" 1

say "report_generator's message is consumed"
start_job report report-generator
expect_end report Complete
rabbit consume
k logs job/rabbit-consume
equal "records" "$(sql -c "select count(*) from run_job.runs where job = 'report_generator' and status = 'succeeded'")" 1

say "a second concurrent Job is skipped"
sql <"$here/seed.sql"
start_job slow cleanup-slow
is_running() { [ "$(sql -c "select count(*) from run_job.runs where job = 'database_cleanup' and status = 'running'")" = 1 ]; }
until_ok "the slow run to begin" is_running
start_job second cleanup-slow
expect_end second Complete
expect_message second '"status":"skipped"'

say "a Job that is deleted stops within its grace, and says so in the record"
k delete job slow --wait=true --timeout="${timeout}s"
was_interrupted() { [ "$(sql -c "select status from run_job.runs where job_name = 'slow'")" = interrupted ]; }
until_ok "the record of the deleted run to say interrupted" was_interrupted

say "the shards of an Indexed Job do the whole"
start_job sharded cleanup-sharded
expect_end sharded Complete
equal "shards that succeeded" "$(k get job sharded -o jsonpath='{.status.succeeded}')" 2
equal "rows that were due" "$(sql -c "select count(*) from payments where deleted_at < now() - interval '90 days'")" 0

say "a misconfigured Job fails at once, without a retry, and says why"
start_job misconfigured misconfigured
expect_end misconfigured Failed
equal "pods that failed" "$(k get job misconfigured -o jsonpath='{.status.failed}')" 1
equal "reason" "$(k get job misconfigured -o jsonpath='{.status.conditions[?(@.type=="Failed")].reason}')" PodFailurePolicy
expect_message misconfigured LOG_FORMAT

say "helm upgrade, which leaves a CronJob suspended"
k patch "$(cronjob report-generator)" -p '{"spec":{"suspend":true}}'
is_suspended() { [ "$(k get "$(cronjob report-generator)" -o jsonpath='{.spec.suspend}')" = true ]; }
"${helm[@]}" upgrade "$release" "$root/helm/run-job" "${install[@]}" --set config.LOG_LEVEL=info
equal "setting" "$(k get configmap "$release-run-job" -o jsonpath='{.data.LOG_LEVEL}')" info
is_suspended || fail "the upgrade has resumed what was suspended by kubectl patch"
start_job after-upgrade database-cleanup
expect_end after-upgrade Complete

say "helm rollback, which leaves it suspended too"
"${helm[@]}" rollback "$release" 1 --namespace "$namespace" --timeout "${timeout}s"
equal "setting" "$(k get configmap "$release-run-job" -o jsonpath='{.data.LOG_LEVEL}')" debug
is_suspended || fail "the rollback has resumed what was suspended by kubectl patch"

say "helm uninstall"
"${helm[@]}" uninstall "$release" --namespace "$namespace" --wait --timeout "${timeout}s"
equal "CronJobs left" "$(k get cronjobs -o name | wc -l | tr -d ' ')" 0
equal "records left" "$(sql -c "select count(*) > 5 from run_job.runs")" t

echo "smoke: all is well"
