// What the API server refuses although the types fit: the rules of pkg/apis/{batch,core,networking}/validation in Kubernetes that
// concern the kinds of object that we make, each with the server's own words.
import type { KubeObject } from './chart.ts';
import { podsOf } from './chart.ts';

// biome-ignore lint/suspicious/noExplicitAny: the types are checked elsewhere; here it is about values
type Any = any;
type Report = (path: string, message: string) => void;

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const QUANTITY = /^([+-]?[0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][-+]?[0-9]+)?$/;

const UNITS: Record<string, number> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function amount(quantity: unknown): number {
  const match = QUANTITY.exec(String(quantity));
  return match ? Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1) : Number.NaN;
}

function metadata(object: Any, path: string, report: Report, named: boolean): void {
  const { name, labels = {}, annotations = {} } = object ?? {};
  if (named && (typeof name !== 'string' || !SUBDOMAIN.test(name) || name.length > 253))
    report(`${path}.name`, `${name} isn't a DNS subdomain`);
  // A name of digits alone, where nobody has quoted it.
  if (object?.namespace !== undefined && typeof object.namespace !== 'string')
    report(`${path}.namespace`, `${object.namespace} isn't a string`);
  for (const [key, value] of Object.entries(labels)) {
    if (!QUALIFIED.test(key)) report(`${path}.labels`, `${key} isn't a qualified name`);
    if (typeof value !== 'string' || !LABEL_VALUE.test(value))
      report(`${path}.labels`, `${key}=${value} isn't a label's value`);
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (!QUALIFIED.test(key.toLowerCase())) report(`${path}.annotations`, `${key} isn't a qualified name`);
    if (typeof value !== 'string') report(`${path}.annotations`, `${key} isn't a string`);
  }
}

function duplicates(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function container(item: Any, path: string, volumes: ReadonlySet<string>, report: Report): void {
  if (!LABEL.test(item.name) || item.name.length > 63) report(`${path}.name`, `${item.name} isn't a DNS label`);
  if (!item.image?.trim() || /\s/.test(item.image)) report(`${path}.image`, 'must be an image');
  const env: Any[] = item.env ?? [];
  for (const { name, value, valueFrom } of env) {
    if (!ENV_NAME.test(name)) report(`${path}.env`, `${name} isn't a variable's name`);
    if (value && valueFrom) report(`${path}.env`, `${name} has both value and valueFrom`);
    if (valueFrom && Object.keys(valueFrom).length !== 1) report(`${path}.env`, `${name} must have one source`);
    const field = valueFrom?.fieldRef?.fieldPath;
    const known =
      /^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?))$/;
    if (field && !known.test(field)) report(`${path}.env`, `${name}: ${field} can't be had`);
  }
  for (const name of duplicates(env.map(({ name }) => name))) report(`${path}.env`, `${name} is there twice`);
  for (const mount of item.volumeMounts ?? []) {
    if (!volumes.has(mount.name)) report(`${path}.volumeMounts`, `Not found: ${mount.name}`);
    if (mount.subPath && mount.subPathExpr)
      report(`${path}.volumeMounts`, 'subPath and subPathExpr are mutually exclusive');
  }
  for (const path_ of duplicates((item.volumeMounts ?? []).map(({ mountPath }: Any) => mountPath)))
    report(`${path}.volumeMounts`, `${path_} must be unique`);
  const { requests = {}, limits = {} } = item.resources ?? {};
  for (const [resource, quantity] of [...Object.entries(requests), ...Object.entries(limits)])
    if (!(amount(quantity) >= 0)) report(`${path}.resources`, `${resource}: ${quantity} isn't a quantity`);
  for (const [resource, limit] of Object.entries(limits))
    if (resource in requests && amount(requests[resource]) > amount(limit))
      report(`${path}.resources`, `${resource}: must be less than or equal to the limit`);
}

function podSpec(spec: Any, path: string, report: Report): void {
  const volumes = new Set<string>((spec.volumes ?? []).map(({ name }: Any) => name));
  for (const name of duplicates((spec.volumes ?? []).map(({ name }: Any) => name)))
    report(`${path}.volumes`, `${name} is there twice`);
  for (const volume of spec.volumes ?? [])
    if (Object.keys(volume).length !== 2) report(`${path}.volumes`, `${volume.name} must have one source`);
  const all: Any[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  for (const name of duplicates(all.map(({ name }) => name))) report(`${path}.containers`, `${name} is there twice`);
  for (const item of all) container(item, `${path}.containers[${item.name}]`, volumes, report);
  for (const item of spec.containers)
    if (item.restartPolicy) report(`${path}.containers`, 'restartPolicy is for init containers');
  for (const item of spec.initContainers ?? []) {
    const probes = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'].filter((probe) => item[probe]);
    if (item.restartPolicy !== 'Always' && probes.length > 0)
      report(`${path}.initContainers`, `${probes} need restartPolicy Always`);
  }
  if (!(spec.terminationGracePeriodSeconds >= 0)) report(`${path}.terminationGracePeriodSeconds`, 'must be at least 0');
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1)
    report(`${path}.activeDeadlineSeconds`, 'must be at least 1');
  for (const constraint of spec.topologySpreadConstraints ?? [])
    if (constraint.minDomains && constraint.whenUnsatisfiable !== 'DoNotSchedule')
      report(`${path}.topologySpreadConstraints`, 'minDomains needs DoNotSchedule');
}

function jobSpec(spec: Any, path: string, report: Report): void {
  const template = spec.template.spec;
  const indexed = spec.completionMode === 'Indexed';
  for (const field of [
    'activeDeadlineSeconds',
    'backoffLimit',
    'backoffLimitPerIndex',
    'ttlSecondsAfterFinished',
    'parallelism',
    'completions',
  ])
    if (spec[field] !== undefined && !(Number.isInteger(spec[field]) && spec[field] >= 0))
      report(`${path}.${field}`, 'must be a whole number of at least 0');
  if (spec.activeDeadlineSeconds > 2 ** 31) report(`${path}.activeDeadlineSeconds`, 'is beyond any use');
  if (indexed && spec.completions === undefined) report(`${path}.completions`, 'is required when Indexed');
  if (!indexed && spec.backoffLimitPerIndex !== undefined)
    report(`${path}.backoffLimitPerIndex`, 'requires indexed completion mode');
  if (spec.backoffLimitPerIndex !== undefined && template.restartPolicy !== 'Never')
    report(`${path}.backoffLimitPerIndex`, "can only be set when the pod's restart policy is Never");
  if (!['Never', 'OnFailure'].includes(template.restartPolicy))
    report(`${path}.template.spec.restartPolicy`, 'must be Never or OnFailure');
  if (spec.selector || spec.manualSelector) report(`${path}.selector`, 'will be auto-generated');
  if (!spec.podFailurePolicy) return;
  if (template.restartPolicy !== 'Never')
    report(`${path}.template.spec.restartPolicy`, 'only "Never" is supported when podFailurePolicy is specified');
  if ((spec.podReplacementPolicy ?? 'Failed') !== 'Failed')
    report(`${path}.podReplacementPolicy`, 'only Failed is supported');
  const containers = [...(template.initContainers ?? []), ...template.containers].map(({ name }: Any) => name);
  for (const { action, onExitCodes, onPodConditions } of spec.podFailurePolicy.rules) {
    if (!!onExitCodes === !!onPodConditions?.length)
      report(`${path}.podFailurePolicy`, 'one of onExitCodes and onPodConditions is required');
    if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
      report(`${path}.podFailurePolicy`, 'FailIndex requires backoffLimitPerIndex');
    for (const { type, status } of onPodConditions ?? [])
      if (!QUALIFIED.test(type) || !['True', 'False', 'Unknown'].includes(status))
        report(`${path}.podFailurePolicy`, `${type}=${status} isn't a condition`);
    if (!onExitCodes) continue;
    const values: number[] = onExitCodes.values;
    if (!containers.includes(onExitCodes.containerName))
      report(`${path}.podFailurePolicy`, `${onExitCodes.containerName} isn't a container`);
    if (values.length < 1 || values.length > 255) report(`${path}.podFailurePolicy`, 'must have 1 to 255 values');
    if (values.some((value, index) => index > 0 && value <= (values[index - 1] ?? 0)))
      report(`${path}.podFailurePolicy`, 'must be ordered, without duplicates');
    if (onExitCodes.operator === 'In' && values.includes(0))
      report(`${path}.podFailurePolicy`, 'must not be 0 for the In operator');
  }
}

function cronJob({ metadata: { name }, spec }: KubeObject, report: Report): void {
  if (name.length > 52) report('metadata.name', 'must be no more than 52 characters');
  const job = spec.jobTemplate.spec;
  // The controller names a Job `<name>-<minutes since the epoch>`; the host name of an Indexed Job's last pod must be a label.
  if (job.completionMode === 'Indexed' && `${name}-12345678901-${job.completions - 1}`.length - 1 > 63)
    report('metadata.name', "leaves no room for an Indexed Job's host names");
  if (/TZ/.test(spec.schedule))
    report('spec.schedule', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  if (!spec.timeZone || /^local$/i.test(spec.timeZone)) report('spec.timeZone', 'must be an explicit time zone');
  else new Intl.DateTimeFormat('en', { timeZone: spec.timeZone });
  jobSpec(job, 'spec.jobTemplate.spec', report);
  metadata(spec.jobTemplate.metadata, 'spec.jobTemplate.metadata', report, false);
}

function networkPolicy({ spec }: KubeObject, report: Report): void {
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const { port, protocol } of rule.ports ?? [])
      if (!(port >= 1 && port <= 65535) || !['TCP', 'UDP', 'SCTP'].includes(protocol))
        report('spec', `${port}/${protocol} isn't a port`);
    for (const peer of [...(rule.to ?? []), ...(rule.from ?? [])])
      if (peer.ipBlock && Object.keys(peer).length > 1) report('spec', 'may not specify both ipBlock and another peer');
  }
}

/** What the API server would refuse in an object; empty when it takes it. */
export function refusals(object: KubeObject): string[] {
  const found: string[] = [];
  const report: Report = (path, message) => found.push(`${object.kind} ${object.metadata.name}: ${path}: ${message}`);
  metadata(object.metadata, 'metadata', report, true);
  if (object.kind === 'CronJob') cronJob(object, report);
  if (object.kind === 'Job') {
    jobSpec(object.spec, 'spec', report);
    if (object.metadata.name.length > 63) report('metadata.name', 'must be no more than 63 characters');
  }
  if (object.kind === 'NetworkPolicy') networkPolicy(object, report);
  if (object.kind === 'ConfigMap' || object.kind === 'Secret') {
    for (const [key, value] of Object.entries(object.data ?? {})) {
      if (!KEY.test(key)) report('data', `${key} isn't a key`);
      if (typeof value !== 'string') report('data', `${key} isn't a string`);
      else if (object.kind === 'Secret' && Buffer.from(value, 'base64').toString('base64') !== value)
        report('data', `${key} isn't base64`);
    }
  }
  for (const pod of podsOf([object])) {
    metadata(pod.metadata, 'template.metadata', report, false);
    podSpec(pod.spec, 'template.spec', report);
  }
  return found;
}
