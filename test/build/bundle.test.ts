import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { writeInAscii } from '../../deploy/build/ascii.ts';
import { makeBundles, PATCHES } from '../../esbuild.config.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';

const DIST = dirname(EXECUTABLE);

await using scratch = createScratchFolder();
const { outputs } = await makeBundles(
  scratch.path,
  Object.values(PATCHES).map((make) => make()),
);

/** The files of the bundle, and the sources of which each holds a piece. */
const bundle = Object.entries(outputs).map(([path, { inputs }]) => ({
  path: relative(scratch.path, join(process.cwd(), path)),
  code: readFileSync(path, 'utf8'),
  sources: Object.keys(inputs).filter((source) => (inputs[source]?.bytesInOutput ?? 0) > 0),
}));

function packagesIn({ sources }: { readonly sources: readonly string[] }): Set<string> {
  return new Set(sources.flatMap((source) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []));
}

test('the bundle has nothing of what OpenTelemetry brings along and a run never uses', () => {
  // A schedules file is YAML, which no run reads.
  const ofRuns = bundle.filter(({ path }) => !path.endsWith('apply-schedules.cjs'));
  const packages = ofRuns.flatMap((file) => [...packagesIn(file)]);
  expect(packages).toContain('@opentelemetry/sdk-node');
  expect(packages.filter((name) => /grpc|protobufjs|zipkin|prometheus|instrumentation$|yaml/.test(name))).toEqual([]);
});

test('every file is ASCII, since one other character doubles what V8 keeps of it, and means what it meant', async () => {
  expect(bundle.filter(({ code }) => /[^\0-\x7f]/.test(code)).map(({ path }) => path)).toEqual([]);
  await using folder = createScratchFolder();
  const source = join(folder.path, 'regexp.mjs');
  writeFileSync(source, 'export const words = /^(?:пароль|[…•]|\u{1f511}|🔑)$/u, text = `ключ`;');
  writeInAscii([source]);
  expect(readFileSync(source, 'utf8')).not.toMatch(/[^\0-\x7f]/);
  const { words, text } = (await import(pathToFileURL(source).href)) as { words: RegExp; text: string };
  expect(['пароль', '•', '🔑', 'ключ'].map((word) => words.test(word))).toEqual([true, true, true, false]);
  expect(text).toBe('ключ');
});

test('each package is in the bundle once', () => {
  const nested = bundle.flatMap(({ sources }) =>
    sources.filter((source) => /node_modules\/.*\/node_modules\//.test(source)),
  );
  expect(nested).toEqual([]);
});

test('the SDK is in a file of its own, that is loaded only on demand', () => {
  const withSdk = bundle.filter((file) => packagesIn(file).has('@opentelemetry/sdk-node'));
  expect(withSdk.map(({ path }) => path)).toEqual(['lazy/sdk.cjs']);
});

test('the SDK takes the modules of Node without their facades, which would load what nobody uses', () => {
  const sdk = bundle.find(({ path }) => path === 'lazy/sdk.cjs')?.code ?? '';
  expect(sdk.match(/^import\b.*$|\bimport\("[a-z:_]+"\)/gm)).toBeNull();
  expect(sdk).not.toContain('WebSocket');
});

test('the licence of every package in the bundle is passed on with it', () => {
  const licenses = readFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const named = new Set([...licenses.matchAll(/^-{80}\n(\S+) \S+ \(/gm)].map(([, name = '']) => name));
  const packages = new Set(bundle.flatMap((file) => [...packagesIn(file)]));
  expect(packages.size).toBeGreaterThan(10);
  expect([...packages].filter((name) => !named.has(name))).toEqual([]);
});
