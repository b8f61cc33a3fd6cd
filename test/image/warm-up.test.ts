// The compile cache that is baked into the image.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Makes the cache in a copy of dist/ at a fixed place, since the place is part of it; returns its files by name. */
function warmUp(folder: string): Map<string, string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const item of ['dist', 'package.json']) cpSync(item, join(folder, item), { recursive: true });
  rmSync(join(folder, 'dist/.compile-cache'), { recursive: true, force: true });
  const done = spawnSync(process.execPath, [resolve('deploy/image/warm-up.ts')], { cwd: folder, encoding: 'utf8' });
  expect(done.status, done.stderr).toBe(0);
  const cache = join(folder, 'dist/.compile-cache');
  const [version = ''] = readdirSync(cache);
  return new Map(
    readdirSync(join(cache, version)).map((file) => [
      file,
      readFileSync(join(cache, version, file)).toString('base64'),
    ]),
  );
}

test('holds the same bytes each time it is made, so that the image can be reproduced', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-warm-up-'));
  try {
    const first = warmUp(join(folder, 'app'));
    const second = warmUp(join(folder, 'app'));
    expect(first.size).toBeGreaterThan(2);
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [file, bytes] of first) expect(second.get(file) === bytes, file).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
