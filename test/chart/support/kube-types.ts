// Checks objects against Kubernetes' own API, by the compiler: each is written down as a literal of its type, in which an unknown
// field is an error, like a missing one or one of another type. Two versions: the oldest that the chart supports, and a new one.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../../../deploy/tools/command.ts';
import type { KubeObject } from './chart.ts';

interface Api {
  readonly title: string;
  /** The type of an object, as an import: module and name. */
  typeOf(object: KubeObject): readonly [string, string] | undefined;
}

/** Of kinds that aren't Kubernetes' own: the package with their types. They have versions of their own. */
const CUSTOM: Readonly<Record<string, string>> = {
  PrometheusRule: '@kubernetes-models/prometheus-operator',
  ServiceMonitor: '@kubernetes-models/prometheus-operator',
  HTTPRoute: '@kubernetes-models/gateway-api',
};

/** Kubernetes 1.29, the floor in Chart.yaml. */
const oldest: Api = {
  title: 'Kubernetes 1.29',
  typeOf({ apiVersion, kind }) {
    if (kind in CUSTOM) return undefined;
    const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
    return [`kubernetes-types/${group.split('.')[0]}/${version}`, kind];
  },
};

/** The release that the package carries: it has the fields of 1.34 (restartPolicyRules, hostnameOverride). */
const newest: Api = {
  title: 'Kubernetes 1.34 or newer',
  typeOf({ apiVersion, kind }) {
    return [`${CUSTOM[kind] ?? 'kubernetes-models'}/${apiVersion}/${kind}`, `I${kind}`];
  },
};

function literal(object: KubeObject, [module, type]: readonly [string, string], index: number): string {
  return `import type { ${type} as T${index} } from '${module}';\nexport const o${index}: T${index} = ${JSON.stringify(object, null, 1)};\n`;
}

/** What the compiler has to say of the objects of each case; empty when all fit. */
export function typeErrors(cases: Readonly<Record<string, readonly KubeObject[]>>): string[] {
  const folder = resolve('.cache', `kube-types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [title, objects] of Object.entries(cases)) {
      for (const [position, api] of [oldest, newest].entries()) {
        const literals = objects.flatMap((object, index) => {
          const type = api.typeOf(object);
          return type ? [literal(object, type, index)] : [];
        });
        const name = `${title.replaceAll(/[^\w-]/g, '_')}.${position === 0 ? 'oldest' : 'newest'}.ts`;
        writeFileSync(join(folder, name), `// ${title}, ${api.title}\n${literals.join('')}export {};\n`);
      }
    }
    const options = {
      strict: true,
      noEmit: true,
      module: 'esnext',
      moduleResolution: 'bundler',
      skipLibCheck: true,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
    const done = run(resolve('node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false']);
    const errors = done.stdout.split('\n').filter((line) => line.trim() !== '');
    if (done.code !== 0 && errors.length === 0) throw new Error(`tsc failed: ${done.stderr}`);
    return errors;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
