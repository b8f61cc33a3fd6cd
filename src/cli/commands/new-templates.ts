// The files that `run-job new` writes.

/** A job that can be run at once, and shows where parameters, the signal, the log and the result go. */
export function jobTemplate(name: string): string {
  return `// ${name}: say in one line what this job is for.
import { defineJob } from 'run-job';
import * as v from 'valibot';

export default defineJob({
  name: '${name}',
  description: 'Says hello',
  timeout: '5m',
  retry: { attempts: 3 },
  params: v.object({
    to: v.optional(v.pipe(v.string(), v.description('Who is greeted')), 'world'),
  }),
  async run({ params, signal, log, dryRun }) {
    // Pass the signal on to what waits (fetch, timers, queries), or look at it between two steps.
    signal.throwIfAborted();
    if (dryRun) return { wouldGreet: params.to };
    log.info(\`hello \${params.to}\`);
    return { greeted: params.to };
  },
});
`;
}

/** Its test, for vitest or for Node's own test runner. */
export function testTemplate(name: string, extension: string, runner: 'vitest' | 'node'): string {
  const [imports, equal] =
    runner === 'vitest'
      ? [
          "import { runJob } from 'run-job/testing';\nimport { expect, test } from 'vitest';",
          (actual: string, expected: string) => `expect(${actual}).toEqual(${expected})`,
        ]
      : [
          "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { runJob } from 'run-job/testing';",
          (actual: string, expected: string) => `assert.deepEqual(${actual}, ${expected})`,
        ];
  return `${imports}
import job from './${name}.${extension}';

test('${name} greets whom it is told to', async () => {
  const { status, result } = await runJob(job, { params: { to: 'Ada' } });
  ${equal('{ status, result }', "{ status: 'succeeded', result: { greeted: 'Ada' } }")};
});

test('${name} only says what it would do in a dry run', async () => {
  const { result } = await runJob(job, { dryRun: true });
  ${equal('result', "{ wouldGreet: 'world' }")};
});

test('${name} refuses a parameter that it does not have', async () => {
  const { status, exitCode } = await runJob(job, { params: { too: 'Ada' } as never });
  ${equal('{ status, exitCode }', "{ status: 'rejected', exitCode: 64 }")};
});
`;
}

/** What the compiler needs to know to read jobs as Node does, which strips their types and checks none. */
export function tsconfigTemplate(folder: string): string {
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  return `${JSON.stringify({ compilerOptions, include: [folder] }, null, 2)}\n`;
}
