// Asks Kubernetes by the kubectl that is on the PATH, with whatever rights and cluster that has.
import { execFile } from 'node:child_process';
import { UnavailableError, UsageError } from '../errors.ts';

const TIMEOUT_MS = 20_000;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * What kubectl prints.
 * @throws {UsageError} there is no kubectl
 * @throws {UnavailableError} it failed; with the first line of what it said itself
 */
export function kubectl(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('kubectl', args, { timeout: TIMEOUT_MS, maxBuffer: MOST_BYTES }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const what = `kubectl ${args.slice(0, 3).join(' ')}`;
      if (error.killed && !error.code) {
        return reject(new UnavailableError(`${what} had no answer in ${TIMEOUT_MS / 1_000} s`));
      }
      if (error.code === 'ENOENT') {
        return reject(new UsageError('there is no kubectl on the PATH to ask the cluster with'));
      }
      // Its library logs each try before kubectl says in words what came of them.
      const [said = ''] = stderr
        .trim()
        .split('\n')
        .filter((line) => !/^[EWI]\d{4} /.test(line));
      reject(new UnavailableError(`${what} failed: ${said || error.message}`));
    });
  });
}
