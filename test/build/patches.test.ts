import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, inject, test } from 'vitest';

/** A checkout of its own, whose node_modules are links to ours but for `copied`: what the test changes, and who imports that. */
function checkout(...copied: string[]): string {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'checkout-'));
  for (const item of ['src', 'deploy/build', 'esbuild.config.ts', 'package.json']) {
    cpSync(item, join(folder, item), { recursive: true });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const item of readdirSync('node_modules')) {
    const target = join(folder, 'node_modules', item);
    if (copied.includes(item)) cpSync(join('node_modules', item), target, { recursive: true });
    else symlinkSync(resolve('node_modules', item), target);
  }
  return folder;
}

function build(folder: string) {
  const { status, stderr } = spawnSync(process.execPath, ['deploy/build/index.ts', '--bundles-only'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stderr };
}

function edit(path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(path, 'utf8');
  const edited = text.replaceAll(from, to);
  expect(edited, `${from} in ${path}`).not.toBe(text);
  writeFileSync(path, edited);
}

test('a build in a fresh checkout succeeds', () => {
  const folder = checkout();
  expect(build(folder)).toEqual({ status: 0, stderr: '' });
  expect(readdirSync(join(folder, 'dist'))).toEqual(expect.arrayContaining(['jobs', 'lazy', 'run-job.js']));
  expect(readdirSync(join(folder, '.cache/build'))).toEqual([]);
});

test('a build fails when node-postgres asks for its crypto by another name, and leaves dist as it was', () => {
  const folder = checkout('pg', 'pg-pool');
  mkdirSync(join(folder, 'dist'));
  const pg = join(folder, 'node_modules/pg/lib');
  renameSync(join(pg, 'crypto/utils.js'), join(pg, 'crypto/primitives.js'));
  edit(join(pg, 'client.js'), './crypto/utils', './crypto/primitives');
  edit(join(pg, 'crypto/sasl.js'), './utils', './primitives');
  const { status, stderr } = build(folder);
  expect(status).toBe(1);
  for (const what of ["require('./crypto/utils') in pg/lib/client.js", "require('./utils') in pg/lib/crypto/sasl.js"]) {
    expect(stderr).toMatch(
      `pg-on-node-crypto: ${what} was met in no bundle, so nothing was replaced: see what it uses for a login now, ` +
        'then deploy/build/pg-crypto.ts and src/postgres/pg-crypto.ts',
    );
  }
  expect(readdirSync(join(folder, 'dist'))).toEqual([]);
});

test('a build fails when one more file of node-postgres asks for its crypto, or its crypto can more', () => {
  const folder = checkout('pg', 'pg-pool');
  const pg = join(folder, 'node_modules/pg/lib');
  edit(join(pg, 'connection.js'), "'use strict'", "'use strict'\nrequire('./crypto/utils')");
  edit(join(pg, 'crypto/utils.js'), '  hmacSha256,', '  hmacSha256,\n  hmacSha512: hmacSha256,');
  const { status, stderr } = build(folder);
  expect(status).toBe(1);
  expect(stderr).toMatch('node_modules/pg/lib/crypto/utils.js is in a bundle, and should be replaced');
  expect(stderr).toMatch("utils.js exports hmacSha512, and src/postgres/pg-crypto.ts doesn't: write it there");
});

test('a build fails when OpenTelemetry no longer imports what is left out, or imports it by another name', () => {
  const folder = checkout('@opentelemetry');
  const scope = join(folder, 'node_modules/@opentelemetry');
  for (const path of readdirSync(scope, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:m?js)$/.test(path)) continue;
    const file = join(scope, path);
    const text = readFileSync(file, 'utf8');
    const edited = text
      .replaceAll('./getMachineId-', './machineId-')
      .replaceAll(/(['"])https\1/g, '$1node:https$1')
      .replaceAll(/^import .* from ['"]@opentelemetry\/exporter-zipkin['"];/gm, 'const ZipkinExporter = class {};');
    if (edited !== text) writeFileSync(file, edited);
    if (path.includes('/getMachineId-')) renameSync(file, file.replace('/getMachineId-', '/machineId-'));
  }
  const { status, stderr } = build(folder);
  expect(status).toBe(1);
  for (const what of [
    './getMachineId-… by @opentelemetry/resources',
    'https by @opentelemetry',
    '@opentelemetry/exporter-zipkin',
  ]) {
    expect(stderr).toMatch(`lean-telemetry: an import of ${what} was met in no bundle`);
  }
  expect(stderr).toMatch('deploy/build/lean-telemetry.ts');
});

test('a build fails when a file imports a module of Node with its facade', () => {
  const folder = checkout();
  edit(join(folder, 'src/process/usage.ts'), /^/g, "import { cpus } from 'os';\nexport const CPUS = cpus();\n");
  const { status, stderr } = build(folder);
  expect(status).toBe(1);
  expect(stderr).toMatch('builtins-without-facade: src/process/usage.ts still imports os: write node:os');
});

test('a build fails when two files that are imported lazily have one name', () => {
  const folder = checkout();
  const postgres = join(folder, 'src/postgres');
  writeFileSync(join(postgres, 'pretty.ts'), 'export const pretty = 1;');
  edit(join(postgres, 'postgres.ts'), /^/g, "export const pretty = () => import('./pretty.ts');\n");
  const { status, stderr } = build(folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/pretty\.ts and \S+pretty\.ts are both imported lazily: give one of them another name/);
  expect(existsSync(join(folder, 'dist'))).toBe(false);
});
