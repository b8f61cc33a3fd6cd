// Finds a server program, or installs Debian's package of it where that can be done without asking anybody.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The first of these programs that is there: absolute paths, or names to look up in PATH. */
export function findProgram(...candidates: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const candidate of candidates) {
    for (const path of candidate.startsWith('/') ? [candidate] : folders.map((folder) => join(folder, candidate))) {
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

/** Whether a Debian package can be installed: we are root, and apt is there. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** One copy of the suite at a time: apt's own locks don't wait where it fetches its lists. */
const LOCK = join(tmpdir(), 'run-job-apt.lock');

/** What is known of packages may be old, or nothing, as in a container: fetched only when it doesn't do. */
const INSTALL = `
install() { apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$0"; }
install || { apt-get -q -y -o DPkg::Lock::Timeout=300 update && install; }`;

/**
 * Installs a Debian package without starting the service that it brings.
 * @throws {Error} with apt's last words
 */
export async function installPackage(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  try {
    await run('flock', [LOCK, '/bin/sh', '-c', INSTALL, name], { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    throw new Error(`apt-get can't install ${name}: ${(error as Error).message}`, { cause: error });
  }
}
