// The file that Kubernetes reads the termination message from.
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { TerminationLog } from '../runner/ports.ts';

/** Which file it is. A path that somebody chose is created; the default one exists only in a pod. */
export interface TerminationFile {
  readonly path: string;
  readonly create: boolean;
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
