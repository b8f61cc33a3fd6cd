// What V8 makes of the code, which is baked into the image.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Makes both caches in a copy of dist/ at a fixed place, since the place is part of it; returns their files by name. */
function warmUp(folder: string): Map<string, string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const item of ['dist', 'package.json']) cpSync(item, join(folder, item), { recursive: true });
  for (const cache of ['.compile-cache', 'code-cache']) {
    rmSync(join(folder, 'dist', cache), { recursive: true, force: true });
  }
  for (const args of [
    ['--random-seed=1', resolve('deploy/build/code-cache.ts')],
    [resolve('deploy/image/warm-up.ts')],
  ]) {
    const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(done.status, done.stderr).toBe(0);
  }
  const [version = ''] = readdirSync(join(folder, 'dist/.compile-cache'));
  const files = [join('dist/.compile-cache', version), 'dist/code-cache'].flatMap((cache) =>
    readdirSync(join(folder, cache)).map((file) => join(cache, file)),
  );
  return new Map(files.map((file) => [file, readFileSync(join(folder, file)).toString('base64')]));
}

test('holds the same bytes each time it is made, so that the image can be reproduced', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-warm-up-'));
  try {
    const first = warmUp(join(folder, 'app'));
    const second = warmUp(join(folder, 'app'));
    expect(first.size).toBeGreaterThan(10);
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [file, bytes] of first) expect(second.get(file) === bytes, file).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
