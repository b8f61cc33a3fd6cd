// `run-job inject` outside of the image, where there may be no init.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { runToEnd } from '../support/run-job.ts';

test('what it prints runs what it has copied', async () => {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'injected-'));
  const ended = await runToEnd(['inject', folder]);
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  const [program = '', ...args] = ended.stdout.trim().split(' ');
  const ran = execFileSync(program, [...args, 'exec', 'it', '--', 'echo', 'from there'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(ran).toContain('"msg":"from there"');
  rmSync(folder, { recursive: true });
});
