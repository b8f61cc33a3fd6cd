// The commands in README and docs are run as they stand there. CONTRIBUTING.md says what the word after `sh` means.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { pack } from '../package/project.ts';
import { createDatabase } from '../support/database.ts';
import { ROOT, type Snippet, snippets } from './snippets.ts';

/** Places that can't be had here. What CI runs by itself is checked below. */
const ELSEWHERE = ['ci', 'cluster', 'docker', 'services'];
const HERE = ['', 'project', 'new-project', 'database'];

const all = snippets();
const commands = all.filter(({ language }) => language === 'sh');
const at = (place: string) =>
  commands.filter((each) => each.place === place).map((each) => [`${each.page}:${each.line}`, each] as const);

test('each block of commands says where it can be run', () => {
  const strange = commands.filter(({ place }) => ![...HERE, ...ELSEWHERE].includes(place));
  expect(strange.map(({ page, line, place }) => `${page}:${line} ${place}`)).toEqual([]);
  expect(all.filter(({ language }) => ['bash', 'shell', 'console'].includes(language))).toEqual([]);
});

test('what CI runs is the command in README', () => {
  const [, readme] = at('ci').find(([, { page }]) => page === 'README.md') ?? [];
  expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toContain(`\n${readme?.text}`);
});

describe('in this repository', () => {
  test.each(at(''))('%s', (_, snippet) => run(snippet, ROOT, { FORCE_COLOR: '0' }), 120_000);
});

describe('with a database', () => {
  test.each(at('database'))('%s', async (_, snippet) => {
    const written = [...snippet.text.matchAll(/^cat > (\S+) <</gm)].map(([, file = '']) => join(ROOT, file));
    onTestFinished(() => {
      for (const file of written) rmSync(file, { force: true });
    });
    await using database = await createDatabase();
    await run(snippet, ROOT, { DATABASE_URL: database.url });
  });
});

describe('in a project', () => {
  test.each(at('project'))('%s', async (_, snippet) => {
    const folder = emptyFolder();
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync(ROOT, join(folder, 'node_modules/run-job'));
    symlinkSync('../run-job/dist/run-job.js', join(folder, 'node_modules/.bin/run-job'));
    symlinkSync(join(ROOT, 'node_modules/valibot'), join(folder, 'node_modules/valibot'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    mkdirSync(join(folder, 'jobs'));
    for (const { text } of all.filter(({ page, language }) => page === snippet.page && language === 'ts')) {
      const path = /^\/\/ (jobs\/\S+)\n/.exec(text)?.[1];
      if (path) writeFileSync(join(folder, path), text);
    }
    await run(snippet, folder);
  });
});

describe('in a new project', () => {
  let bin: string;
  // As long as run-job isn't published: npm finds the tarball where it would find the package.
  beforeAll(async () => {
    const tarball = await pack();
    bin = emptyFolder();
    const swap = `for word; do [[ $word == run-job ]] && word=${tarball}; words+=("$word"); done`;
    writeFileSync(join(bin, 'npm'), `#!/bin/bash\nPATH=\${PATH#*:} words=()\n${swap}\nexec npm "\${words[@]}"\n`);
    chmodSync(join(bin, 'npm'), 0o755);
  });

  test.each(at('new-project'))('%s', (_, snippet) =>
    run(snippet, emptyFolder(), { npm_config_audit: 'false', npm_config_prefer_offline: 'true' }, bin),
  );
});

const emptyFolder = () => mkdtempSync(join(inject('scratchFolder'), 'docs-'));

/** Runs a block as bash would, stopping at what fails. */
async function run({ text }: Snippet, cwd: string, env: Readonly<Record<string, string>> = {}, bin?: string) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|TEST$)/.test(name));
  const path = [...(bin ? [bin] : []), dirname(process.execPath), process.env.PATH].join(':');
  const said = await new Promise<{ code: number; output: string }>((resolve) => {
    const options = { cwd, env: { ...Object.fromEntries(inherited), ...env, PATH: path } };
    execFile('bash', ['-euo', 'pipefail', '-c', text], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: `${stdout}${stderr}` }),
    );
  });
  expect(said.code, said.output).toBe(0);
}
