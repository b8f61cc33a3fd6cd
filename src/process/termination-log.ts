// The file that Kubernetes reads the termination message from.
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { RunLog, TerminationLog } from '../runner/ports.ts';

/** Which file it is. A path that somebody chose is created; the default one exists only in a pod. */
export interface TerminationFile {
  readonly path: string;
  readonly create: boolean;
}

/** What stays wrong until somebody mends the path; anything else, such as a full disk, may pass. */
const WRONG_PATH = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'EPERM',
  'EROFS',
  'ELOOP',
  'ENAMETOOLONG',
  'ENXIO',
]);

/** The problem of a file that somebody chose and that can't be written, if there is one; what may pass is a warning. */
export function problemOfTerminationFile({ path, create }: TerminationFile, log: Pick<RunLog, 'warn'>): string[] {
  if (!create) return [];
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o644));
    return [];
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const problem = `RUN_JOB_TERMINATION_LOG names a file that can't be written (${code})`;
    if (WRONG_PATH.has(code)) return [`${problem}: correct the path, or make the folder`];
    log.warn(`${problem}; the termination message may be lost`);
    return [];
  }
}

/** Writes each message at once, over any earlier one. */
export function openTerminationLog({ path, create }: TerminationFile): TerminationLog {
  return {
    write(message) {
      try {
        const flags = constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK | (create ? constants.O_CREAT : 0);
        const file = openSync(path, flags, 0o644);
        try {
          writeSync(file, message);
        } finally {
          closeSync(file);
        }
      } catch {
        // Not there outside of a pod, or not to be written to: the last log line and the record say the same.
      }
    },
  };
}
