// What a team gets that installs run-job: types, the executable, the test helper, and nothing that they have no use for.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { findProgram } from '../support/install.ts';
import { createProject, type Project, pack } from './project.ts';

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    types: ['node'],
  },
  include: ['jobs'],
};

let tarball: string;
beforeAll(async () => {
  tarball = await pack();
});

describe('the tarball', () => {
  test('is without fault to publint', async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('has types that every resolver of ES modules finds', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
    // It has no CommonJS form, and require() of an ES module is what Node 24 does by itself; node10 knows no exports.
    const meant = new Set(['CJSResolvesToESM', 'NoResolution']);
    const problems = 'problems' in result ? result.problems : ['no types'];
    expect(
      problems.filter(
        (each) => typeof each === 'string' || !meant.has(each.kind) || !/node10|node16-cjs/.test(JSON.stringify(each)),
      ),
    ).toEqual([]);
  });
});

describe('an empty TypeScript project', () => {
  let project: Project;
  beforeAll(async () => {
    project = await createProject(tarball, { type: 'module' });
    project.write('tsconfig.json', JSON.stringify(TSCONFIG));
  });

  test('gets only run-job, valibot, the types of node-postgres, and those of the Node that it runs on', () => {
    const packages = readdirSync(join(project.folder, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(packages).toEqual(expect.arrayContaining(['run-job', 'valibot', '@types']));
    const all = readdirSync(join(project.folder, 'node_modules'), { recursive: true }).map(String);
    expect(all.filter((path) => path.endsWith('@types/node'))).toEqual(['@types/node']);
    const types = readFileSync(join(project.folder, 'node_modules/@types/node/package.json'), 'utf8');
    expect(JSON.parse(types).version).toMatch(/^24\./);
    expect(packages.filter((name) => /opentelemetry|amqplib|citty|consola|^pg$/.test(name))).toEqual([]);
  });

  test('writes a job, which runs, passes its test and type-checks as it is', async () => {
    const written = await project.run('npx', ['run-job', 'new', 'hello']);
    expect(written).toMatchObject({ exitCode: 0, stderr: '' });
    expect(written.stdout).toContain('wrote jobs/hello.ts\nwrote jobs/hello.test.ts\n');

    const [ran, tested, checked] = await Promise.all([
      project.run('npx', ['run-job', 'hello', '--param', 'to=Ada']),
      project.run('node', ['--test', 'jobs/*.test.ts']),
      project.run('node', ['node_modules/typescript/bin/tsc']),
    ]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toContain('"result":{"greeted":"Ada"}');
    expect(tested.stdout).toContain('pass 3');
    expect(tested.exitCode).toBe(0);
    expect(checked).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('has types for what each job is given, and for what it needs', async () => {
    project.write(
      'jobs/typed.ts',
      `import { defineJob, PermanentError } from 'run-job';
import { runJob } from 'run-job/testing';
import * as v from 'valibot';
const job = defineJob({
  name: 'typed', description: 'Is typed', needs: ['postgres'], params: v.object({ days: v.optional(v.number(), 90) }),
  async run({ params, postgres, log }) {
    const days: number = params.days;
    // @ts-expect-error: it is a number
    const text: string = params.days;
    const { rows } = await postgres.query<{ id: number }>('select 1 as id');
    if (!rows[0]) throw new PermanentError(\`\${text} \${days}\`);
    log.info('read', { id: rows[0].id });
    return { id: rows[0].id };
  },
});
export default job;
// @ts-expect-error: it didn't ask for RabbitMQ
defineJob({ name: 'other', description: '', run: ({ rabbitmq }) => rabbitmq });
export const id: Promise<number | undefined> = runJob(job, { postgres: {} }).then(({ result }) => result?.id);
`,
    );
    expect(await project.run('node', ['node_modules/typescript/bin/tsc'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});

/** The least that docs/writing-a-job.md promises. */
const LEAST_TYPESCRIPT = '5.8.3';

describe('a project as npm init leaves it', () => {
  let project: Project;
  beforeAll(async () => {
    project = await createProject(tarball, { type: 'commonjs', devDependencies: { typescript: LEAST_TYPESCRIPT } });
  });

  test('runs its new job, which type-checks with the least TypeScript that is promised, by the tsconfig.json that was written', async () => {
    const written = await project.run('npx', ['run-job', 'new', 'hello']);
    expect(written.stdout).toContain('wrote jobs/hello.mts\nwrote jobs/hello.test.mts\nwrote tsconfig.json\n');
    expect(await project.run('npx', ['run-job', 'hello'])).toMatchObject({ exitCode: 0, stderr: '' });
    project.write(
      'jobs/typo.mts',
      `import { defineJob } from 'run-job';
export default defineJob({ name: 'typo', description: 'Mistypes', timeout: '1h30m', run: ({ params }) => params.too });
`,
    );
    expect(await project.run('npx', ['tsc', '--version'])).toMatchObject({ stdout: `Version ${LEAST_TYPESCRIPT}\n` });
    const checked = await project.run('npx', ['tsc', '--skipLibCheck', 'false']);
    expect(checked.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^jobs\/typo\.mts.*Property 'too' does not exist/),
    ]);
  });

  test('and that uses vitest has a test for vitest, and keeps the tsconfig.json that it has', async () => {
    project.write('tsconfig.json', '{}');
    const json = JSON.parse(readFileSync(join(project.folder, 'package.json'), 'utf8'));
    project.write('package.json', JSON.stringify({ ...json, devDependencies: { vitest: '*' } }));
    const written = await project.run('npx', ['run-job', 'new', 'other']);
    expect(written.stdout).toContain('wrote jobs/other.mts\nwrote jobs/other.test.mts\n\n');
    expect(written.stdout).toContain('npx vitest run jobs');
    expect(readFileSync(join(project.folder, 'tsconfig.json'), 'utf8')).toBe('{}');
    const tested = await project.run('node', ['node_modules/vitest/vitest.mjs', 'run', 'jobs/other.test.mts']);
    expect(tested.stdout).toContain('3 passed');
  });
});

describe('an older Node', () => {
  const SENTENCE =
    /^run-job: this is Node \S+, and run-job needs Node 24 or newer: update Node \(in a project: npm install --save-dev node@24\), or use the image\n$/;

  test('is told so in one sentence', () => {
    const older =
      "Object.defineProperty(process.versions, 'node', { value: '20.11.0' }); delete process.getBuiltinModule;";
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(older)}`, EXECUTABLE, 'list'],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringMatching(SENTENCE) });
  });

  // The machine's own Node; npm's scripts have 24 first in PATH.
  const system = findProgram('/usr/bin/node', '/usr/local/bin/node');
  const version = system && spawnSync(system, ['-p', 'parseInt(process.versions.node)'], { encoding: 'utf8' }).stdout;
  test.runIf(system && Number(version) < 24)('that is installed here is told so too, so the file parses there', () => {
    const { status, stderr } = spawnSync(system ?? '', [EXECUTABLE, 'list'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringMatching(SENTENCE) });
  });
});
