// The built executable, which the tests of whole runs start.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `dist/run-job.js`, as an absolute path. */
export const EXECUTABLE = join(ROOT, 'dist/run-job.js');

/** Builds dist/ when there is none. `npm test` builds it anew each time; vitest alone takes what is there. */
export function ensureBuilt(): void {
  if (existsSync(join(ROOT, 'dist/index.js'))) return;
  const path = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`;
  execFileSync('npm', ['run', 'build'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path },
  });
}
