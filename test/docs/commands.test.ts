// The commands in the docs are run as they stand there; those of README, which are one story, in first-hour.test.ts. CONTRIBUTING.md says
// what the word after `sh` means.
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findClient } from '../../deploy/tools/helm.ts';
import { pack } from '../package/project.ts';
import { createDatabase } from '../support/database.ts';
import { emptyFolder, mustRun } from './shell.ts';
import { ROOT, snippets } from './snippets.ts';

/** Places that can't be had here. What CI runs by itself is checked below. */
const ELSEWHERE = ['ci', 'cluster', 'docker', 'services'];
const HERE = ['', 'project', 'new-project', 'database', 'helm'];
const OF_README = ['clone', 'console'];

const all = snippets();
const commands = all.filter(({ language }) => language === 'sh');
const at = (place: string) =>
  commands
    .filter((each) => each.place === place && each.page !== 'README.md')
    .map((each) => [`${each.page}:${each.line}`, each] as const);

test('each block of commands says where it can be run', () => {
  const strange = commands.filter(
    ({ page, place }) => ![...HERE, ...ELSEWHERE, ...(page === 'README.md' ? OF_README : [])].includes(place),
  );
  expect(strange.map(({ page, line, place }) => `${page}:${line} ${place}`)).toEqual([]);
  expect(all.filter(({ language }) => ['bash', 'shell', 'console'].includes(language))).toEqual([]);
});

test('what CI runs is the command in README', () => {
  const readme = commands.find(({ page, place }) => page === 'README.md' && place === 'ci');
  expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toContain(`\n${readme?.text}`);
});

describe('in this repository', () => {
  test.each(at(''))('%s', async (_, { text }) => {
    await mustRun(text, { cwd: ROOT, env: { FORCE_COLOR: '0' } });
  });
});

describe.skipIf(!findClient('helm'))('with helm', () => {
  test.each(at('helm'))('%s', async (_, { text }) => {
    const path = [dirname(findClient('helm') ?? '')];
    expect(await mustRun(text, { cwd: ROOT, path, env: { KUBECONFIG: '/nonexistent' } })).toContain('kind: CronJob');
  });
});

describe('with a database', () => {
  test.each(at('database'))('%s', async (_, snippet) => {
    const written = [...snippet.text.matchAll(/^cat > (\S+) <</gm)].map(([, file = '']) => join(ROOT, file));
    onTestFinished(() => {
      for (const file of written) rmSync(file, { force: true });
    });
    await using database = await createDatabase();
    await mustRun(snippet.text, { cwd: ROOT, env: { DATABASE_URL: database.url } });
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
    await mustRun(snippet.text, { cwd: folder });
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

  test.each(at('new-project'))('%s', async (_, { text }) => {
    await mustRun(text, { cwd: emptyFolder(), path: [bin] });
  });
});
