// Renders the chart with real helm, as objects.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { run } from '../../../deploy/tools/command.ts';
import { findClient } from '../../../deploy/tools/helm.ts';

export const CHART = 'helm/run-job';
export const RELEASE = 'billing';
export const NAMESPACE = 'jobs';

/** What the tests look at in an object of Kubernetes; everything else is reached by path. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: rendered objects are checked against the real types elsewhere
  readonly [field: string]: any;
}

/** Why the tests that need helm can't run here, or undefined. */
export const noHelm: string | undefined = findClient('helm')
  ? undefined
  : 'NOT CHECKED here: the chart. helm is missing: npm run tools';
if (noHelm) console.warn(noHelm);

/** Every values file under ci/: one small file a feature. */
export const ciFiles: readonly string[] = readdirSync(join(CHART, 'ci'))
  .filter((name) => name.endsWith('-values.yaml'))
  .sort()
  .map((name) => join(CHART, 'ci', name));

/** Runs helm without a cluster. */
export function helm(...args: string[]) {
  return run(findClient('helm') ?? 'helm', args, { env: { ...process.env, KUBECONFIG: '/nonexistent' } });
}

/** Values with the jobs that ship, which most tests are about: the chart by itself has none. */
export const SHIPPED = 'test/chart/support/shipped-values.yaml';

/** The values of the chart by itself, with no job. */
export const NONE: string = join(CHART, 'ci/default-values.yaml');

/** Where values come from: a file, which stands for itself, or a value over the jobs that ship. */
export type Values = string | object | undefined;

function withValues<T>(values: Values, use: (args: string[]) => T): T {
  if (typeof values === 'string') return use(['-f', values]);
  if (values === undefined) return use(['-f', SHIPPED]);
  const folder = mkdtempSync(join(tmpdir(), 'run-job-values-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(values));
    return use(['-f', SHIPPED, '-f', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The objects in a stream of YAML documents. */
export function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as KubeObject | null;
    })
    .filter((object) => object !== null);
}

/** The objects that the chart renders, hooks included. @throws {Error} with helm's message */
export function render(values?: Values, ...more: string[]): KubeObject[] {
  const done = withValues(values, (args) => helm('template', RELEASE, CHART, '-n', NAMESPACE, ...args, ...more));
  if (done.code !== 0) throw new Error(done.stderr);
  return objectsIn(done.stdout);
}

/** What helm says of values that can't be rendered; empty when it renders them. */
export function complaint(values: Values): string {
  return withValues(values, (args) => helm('template', RELEASE, CHART, '-n', NAMESPACE, ...args)).stderr;
}

/** The text that helm shows after an install. */
export function notes(values?: Values): string {
  const done = withValues(values, (args) =>
    helm('install', RELEASE, CHART, '-n', NAMESPACE, '--dry-run=client', ...args),
  );
  if (done.code !== 0) throw new Error(done.stderr);
  return done.stdout.slice(done.stdout.indexOf('NOTES:'));
}

/** Helm's verdict on the chart with these values. */
export function lint(values?: Values) {
  return withValues(values, (args) => helm('lint', '--strict', CHART, ...args));
}

/** The objects of one kind. */
export function ofKind(objects: readonly KubeObject[], kind: string): KubeObject[] {
  return objects.filter((object) => object.kind === kind);
}

/** The one object of a kind whose name ends so. @throws {Error} there isn't exactly one */
export function only(objects: readonly KubeObject[], kind: string, ending = ''): KubeObject {
  const found = ofKind(objects, kind).filter(({ metadata }) => metadata.name.endsWith(ending));
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} objects are a ${kind} …${ending}`);
  return found[0];
}

/** A pod that an object makes, and where in the object it is. */
export interface PodOf {
  readonly object: KubeObject;
  readonly metadata: KubeObject['metadata'];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly spec: any;
}

/** The pods of all objects that make any. */
export function podsOf(objects: readonly KubeObject[]): PodOf[] {
  return objects.flatMap((object) => {
    const template =
      object.kind === 'CronJob'
        ? object.spec.jobTemplate.spec.template
        : ['Job', 'Deployment', 'StatefulSet'].includes(object.kind)
          ? object.spec.template
          : object.kind === 'Pod'
            ? object
            : undefined;
    return template ? [{ object, metadata: template.metadata, spec: template.spec }] : [];
  });
}
