import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';

const MODULE = pathToFileURL('deploy/build/fresh-folder.ts').href;
const FILES = 50;

/** Replaces `out` again and again by a folder of 50 files that all hold the number of this build. */
const BUILD = `
import { mkdirSync, writeFileSync } from 'node:fs';
import { replaceFolder } from '${MODULE}';
for (let round = 0; round < 20; round += 1) {
  const text = process.argv[1] + ' ' + round;
  await replaceFolder('out', async (folder) => {
    mkdirSync(folder);
    for (let file = 0; file < ${FILES}; file += 1) writeFileSync(folder + '/' + file, text);
  });
}`;

test('builds at the same time leave one of them in whole', async () => {
  const cwd = mkdtempSync(join(inject('scratchFolder'), 'fresh-'));
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', BUILD, name], { cwd }),
    ),
  );
  const files = readdirSync(join(cwd, 'out'));
  expect(files).toHaveLength(FILES);
  const texts = new Set(files.map((file) => readFileSync(join(cwd, 'out', file), 'utf8')));
  expect([...texts]).toEqual([expect.stringMatching(/^[abc] 19$/)]);
  expect(readdirSync(join(cwd, '.cache/build'))).toEqual([]);
});

/** Replaces `out`, then fails to replace it, and prints what a reader saw before, during and after that. */
const FAILING_BUILD = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { replaceFolder } from '${MODULE}';
const write = (text) => async (folder) => {
  mkdirSync(folder);
  writeFileSync(folder + '/file', text);
};
const read = () => console.log(readFileSync('out/file', 'utf8'));
await replaceFolder('out', write('whole'));
read();
try {
  await replaceFolder('out', async (folder) => {
    await write('half')(folder);
    read();
    throw new Error('disk full');
  });
} catch ({ message }) {
  console.log(message);
}
read();`;

test('what was there stays until a build is whole, also when it never is', async () => {
  const cwd = mkdtempSync(join(inject('scratchFolder'), 'fresh-'));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', FAILING_BUILD], { cwd });
  expect(stdout).toBe('whole\nwhole\ndisk full\nwhole\n');
  expect(readdirSync(join(cwd, '.cache/build'))).toEqual([]);
});
