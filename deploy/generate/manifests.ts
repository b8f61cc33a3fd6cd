// The plain manifests in deploy/kubernetes: what the chart renders, without what only Helm reads.
import { createHash } from 'node:crypto';
import { parseAllDocuments, stringify } from 'yaml';
import { run } from '../tools/command.ts';

const VALUES = 'deploy/kubernetes/values.yaml';
const HEAD =
  "# Made from the chart with values.yaml in this folder, by `npm run generate`. Don't edit it: change those and run it again.\n";

/** How the name of the ConfigMap with the schedules ends. */
const SCHEDULES = '-schedules';

interface Manifest {
  readonly kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: taken apart by path only
  spec?: any;
  readonly data?: Readonly<Record<string, string>>;
}

/** Takes out what Helm put there for itself, and the namespace, which the kustomization sets. */
function plain<
  Part extends { labels?: Record<string, string>; annotations?: Record<string, string>; namespace?: string },
>(metadata: Part): Part {
  const { namespace: _, labels = {}, annotations = {}, ...rest } = metadata;
  const { 'app.kubernetes.io/managed-by': __, ...mine } = labels;
  const keep = (map: Record<string, string>) =>
    Object.fromEntries(Object.entries(map).filter(([name]) => !name.startsWith('helm.sh/')));
  const left = keep(annotations);
  return { ...rest, labels: keep(mine), ...(Object.keys(left).length > 0 && { annotations: left }) } as Part;
}

function toPlain(manifest: Manifest, version: string, schedules: string): Manifest {
  const result = { ...manifest, metadata: plain(manifest.metadata) };
  const job = manifest.kind === 'CronJob' ? manifest.spec.jobTemplate : manifest.kind === 'Job' ? manifest : undefined;
  if (manifest.kind === 'CronJob') job.metadata = plain(job.metadata);
  if (job) job.spec.template.metadata = plain(job.spec.template.metadata);
  // A Job can't be changed: each version migrates with a Job of its own, and so do other schedules.
  if (manifest.kind === 'Job') result.metadata.name += `-${version.replaceAll(/[^a-z0-9]+/g, '-')}-${schedules}`;
  return result;
}

function fileName({ kind, metadata }: Manifest): string {
  if (kind === 'Job') return 'migrate.yaml';
  if (metadata.name.endsWith(SCHEDULES)) return 'schedules.yaml';
  return kind === 'CronJob'
    ? `cronjob-${metadata.labels?.['app.kubernetes.io/component']}.yaml`
    : `${kind.toLowerCase()}.yaml`;
}

/** Every generated file of deploy/kubernetes by name. @throws {Error} helm can't render the chart */
export function manifests(helm: string, version: string): Record<string, string> {
  const done = run(helm, ['template', 'run-job', 'helm/run-job', '--namespace', 'run-job', '--values', VALUES]);
  if (done.code !== 0) throw new Error(done.stderr);
  const files: Record<string, string> = {};
  const rendered = parseAllDocuments(done.stdout).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
  const told = rendered.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith(SCHEDULES));
  const hash = createHash('sha256').update(JSON.stringify(told?.data)).digest('hex').slice(0, 8);
  for (const manifest of rendered) {
    const made = toPlain(manifest, version, hash);
    const name = fileName(made);
    if (files[name]) throw new Error(`two manifests would be ${name}`);
    files[name] = HEAD + stringify(made, { lineWidth: 0 });
  }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: 'run-job',
    resources: ['namespace.yaml', ...Object.keys(files).sort()],
  };
  return { ...files, 'kustomization.yaml': HEAD + stringify(kustomization) };
}
