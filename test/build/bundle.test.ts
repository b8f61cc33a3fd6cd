import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';

const DIST = dirname(EXECUTABLE);
const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
const bundle = files.map((path) => ({ path, code: readFileSync(join(DIST, path), 'utf8') }));

/** The packages whose code is in a file: esbuild names the source of each piece. */
function packagesIn(code: string): Set<string> {
  return new Set([...code.matchAll(/^\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)].map(([, name = '']) => name));
}

test('the bundle has nothing of what OpenTelemetry brings along and a run never uses', () => {
  // A schedules file is YAML, which no run reads.
  const ofRuns = bundle.filter(({ path }) => !path.endsWith('apply-schedules.js'));
  const packages = ofRuns.flatMap(({ code }) => [...packagesIn(code)]);
  expect(packages).toContain('@opentelemetry/sdk-node');
  expect(packages.filter((name) => /grpc|protobufjs|zipkin|prometheus|instrumentation$|yaml/.test(name))).toEqual([]);
});

test('each package is in the bundle once', () => {
  const nested = bundle.flatMap(({ code }) => code.match(/^\/\/ node_modules\/.*\/node_modules\/.*$/gm) ?? []);
  expect(nested).toEqual([]);
});

test('the SDK is in a file of its own, that is loaded only on demand', () => {
  const withSdk = bundle.filter(({ code }) => packagesIn(code).has('@opentelemetry/sdk-node'));
  expect(withSdk.map(({ path }) => path)).toEqual(['lazy/sdk.js']);
});

test('the SDK takes the modules of Node without their facades, which would load what nobody uses', () => {
  const sdk = bundle.find(({ path }) => path === 'lazy/sdk.js')?.code ?? '';
  expect(sdk.match(/^import\b.*$|\bimport\("[a-z:_]+"\)/gm)).toBeNull();
  expect(sdk).not.toContain('WebSocket');
});

test('the licence of every package in the bundle is passed on with it', () => {
  const licenses = readFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const named = new Set([...licenses.matchAll(/^-{80}\n(\S+) \S+ \(/gm)].map(([, name = '']) => name));
  const packages = new Set(bundle.flatMap(({ code }) => [...packagesIn(code)]));
  expect(packages.size).toBeGreaterThan(10);
  expect([...packages].filter((name) => !named.has(name))).toEqual([]);
});
