#!/usr/bin/env bash
# Stands in for kubectl and helm, to try smoke.sh's own logic without a cluster: it answers as a healthy one would, keeps each call in
# $STUB_LOG, and misbehaves where $STUB_BREAK matches the call.
echo "$(basename "$0") $*" >>"$STUB_LOG"
call="$*"
if [ -n "${STUB_BREAK-}" ] && [[ $call == *"$STUB_BREAK"* ]]; then
  echo "stub: broken" >&2
  exit 1
fi
case "$call" in
  *"test smoke"*"filter name=smoke-run-job-doctor-misconfigured"*) exit 1 ;;
  *"rollback smoke"*) touch "$STUB_LOG.rolled-back" ;;
  *"get pods"*PodReadyToStartContainers*) if [ -n "${STUB_STUCK-}" ]; then echo "postgres-1 False"; fi ;;
  *"get jobs"*) if [ -n "${STUB_NO_PODS-}" ]; then echo "rabbit-declare "; fi ;;
  *"get events"*involvedObject.name=postgres-1*) echo "FailedCreatePodSandBox: no network" ;;
  *"get events"*involvedObject.name=rabbit-declare*) echo "FailedCreate: exceeded quota" ;;
  *"get cronjob/smoke-run-job-report-generator"*suspend*) echo "${STUB_SUSPENDED-true}" ;;
  *"get namespace"*) exit 1 ;;
  *"apply -f -"* | *psql*-XAtq) cat >/dev/null ;;
  *"status = 'running'"*) echo 1 ;;
  *"where job_name = 'slow'"*) echo interrupted ;;
  *"count(*) > 5"*) echo t ;;
  *"count(*) from payments where"*) echo 0 ;;
  *"count(*) from payments"*) echo 600 ;;
  *"select count"*) echo 1 ;;
  *"get job misconfigured"*Complete*) ;;
  *"get job misconfigured"*reason*) echo PodFailurePolicy ;;
  *"get job misconfigured"*status.failed*) echo 1 ;;
  *"get job sharded"*succeeded*) echo 2 ;;
  *"get job misconfigured"*Failed*) echo True ;;
  *"get job"*Complete*) echo True ;;
  *"get job"*Failed*) ;;
  *"job-name=second"*) echo '{"status":"skipped"}' ;;
  *"job-name=misconfigured"*) echo '{"error":"LOG_FORMAT must be json or pretty"}' ;;
  *"get configmap"*LOG_LEVEL*) if [ -e "$STUB_LOG.rolled-back" ]; then echo debug; else echo info; fi ;;
esac
