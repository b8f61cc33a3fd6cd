// Everything that is done so that a run starts sooner, and how to do without it; and what was tried for that, and isn't done.

/** Which run shows the difference. */
export type RunKind = 'nothing configured' | 'lock, slot and record' | 'traces and metrics';

/** How dist/ or its start differs from what we ship. */
export interface Variant {
  /** A patch of the build that is left out. */
  readonly withoutPatch?: 'leanTelemetry' | 'builtinsWithoutFacade' | 'pgOnNodeCrypto';
  /** A piece of a source file that is replaced. It must be there: a benchmark of nothing is worse than none. */
  readonly edit?: { readonly file: string; readonly from: string; readonly to: string };
  readonly codeSplitting?: boolean;
  /** The watchdog's thread as an ES module. */
  readonly esmWatchdog?: boolean;
  /** With all the white space of the sources. */
  readonly spacious?: boolean;
  /** With the characters of the sources. */
  readonly unicode?: boolean;
  /** Without the code that V8 has made of the scripts. */
  readonly withoutCode?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node itself. */
  readonly nodeFlags?: readonly string[];
}

export interface Trick {
  /** As docs/decisions/bundling.md or startup.md has it. */
  readonly name: string;
  readonly run: RunKind;
  readonly variant: Variant;
}

/** What we do: each variant does without it. */
export const KEPT: readonly Trick[] = [
  { name: 'bundles without code splitting', run: 'nothing configured', variant: { codeSplitting: true } },
  {
    name: 'builtins without facade',
    run: 'nothing configured',
    variant: { withoutPatch: 'builtinsWithoutFacade' },
  },
  { name: 'bundles without white space', run: 'nothing configured', variant: { spacious: true } },
  { name: 'bundles in ASCII', run: 'nothing configured', variant: { unicode: true } },
  ...(['nothing configured', 'lock, slot and record', 'traces and metrics'] as const).map(
    (run): Trick => ({ name: `V8's code made at the build`, run, variant: { withoutCode: true } }),
  ),
  {
    name: "Node's compile cache, where there is no such code",
    run: 'nothing configured',
    variant: { withoutCode: true, env: { NODE_DISABLE_COMPILE_CACHE: '1' } },
  },
  {
    name: 'output without streams',
    run: 'nothing configured',
    variant: {
      edit: {
        file: 'src/cli/terminal/stdio.ts',
        from: "let rest = typeof output === 'string' ? Buffer.from(output) : output;",
        to: "if (process[fd === 1 ? 'stdout' : 'stderr'].write(output)) return; let rest = Buffer.from('');",
      },
    },
  },
  {
    name: 'run id without node:crypto',
    run: 'nothing configured',
    variant: {
      edit: {
        file: 'src/process/run-id.ts',
        from: "const file = openSync('/dev/urandom', 'r');",
        to: "if (size) throw new Error(); const file = openSync('', 'r');",
      },
    },
  },
  { name: 'watchdog thread without a module loader', run: 'nothing configured', variant: { esmWatchdog: true } },
  {
    name: 'node-postgres on node:crypto',
    run: 'lock, slot and record',
    variant: { withoutPatch: 'pgOnNodeCrypto' },
  },
  {
    name: 'node:crypto when it is first needed',
    run: 'lock, slot and record',
    variant: {
      edit: {
        file: 'src/postgres/crypto.ts',
        from: "export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');",
        to: "const loaded = process.getBuiltinModule('node:crypto'); export const crypto = () => loaded;",
      },
    },
  },
  {
    name: 'one key derivation a run',
    run: 'lock, slot and record',
    variant: { edit: { file: 'src/postgres/pg-crypto.ts', from: 'if (known) return known;', to: '' } },
  },
  { name: 'lean telemetry', run: 'traces and metrics', variant: { withoutPatch: 'leanTelemetry' } },
];

/** What we don't do: each variant does it. */
export const TRIED: readonly Trick[] = [
  {
    name: 'telemetry sent without pipe()',
    run: 'traces and metrics',
    variant: {
      edit: {
        file: 'node_modules/@opentelemetry/otlp-exporter-base/dist/platform/node/transport/http-transport-utils.mjs',
        from: 'let dataStream = readableFromUint8Array(data);',
        to: "if (compression !== 'gzip') return req.end(data); let dataStream = readableFromUint8Array(data);",
      },
    },
  },
  {
    name: 'watchdog thread called before the database',
    run: 'lock, slot and record',
    variant: {
      edit: {
        file: 'src/process/watchdog.ts',
        from: '  return {\n    arm(inMs, lastWords) {',
        to: '  begin();\n  return {\n    arm(inMs, lastWords) {',
      },
    },
  },
  {
    name: 'valibot without its Standard Schema',
    run: 'nothing configured',
    variant: {
      edit: {
        file: 'node_modules/valibot/dist/index.mjs',
        from: 'schema["~standard"] = {',
        to: 'if (schema) return schema; schema["~standard"] = {',
      },
    },
  },
  {
    name: 'host name without node:os',
    run: 'nothing configured',
    variant: {
      edit: {
        file: 'src/app/config.ts',
        from: 'host: hostname(),',
        to: "host: process.getBuiltinModule('node:fs').readFileSync('/proc/sys/kernel/hostname', 'utf8').trim(),",
      },
    },
  },
  ...[
    '--max-semi-space-size=1',
    '--min-semi-space-size=16',
    '--single-threaded',
    '--single-threaded-gc',
    '--v8-pool-size=1',
    '--no-opt',
    '--no-sparkplug',
    '--no-lazy-feedback-allocation',
    '--jitless',
    '--preserve-symlinks',
  ].map((flag): Trick => ({ name: `node ${flag}`, run: 'nothing configured', variant: { nodeFlags: [flag] } })),
];
