// How the end of a run is told to people elsewhere.
import type { ErrorInfo } from '../runner/outcome.ts';
import type { RunEnd } from '../runner/ports.ts';

/** The error at the bottom, which says what happened; those above it say what it led to. */
export function rootCause(error: ErrorInfo): ErrorInfo {
  const inner = error.causes?.at(-1);
  return inner === undefined ? error : rootCause(inner);
}

/** What failed: the head's own words, and the root cause's where these don't name it. */
export function whatFailed(error: ErrorInfo): string {
  const root = rootCause(error);
  return error.message.includes(root.message) ? error.message : `${error.message}: ${root.message}`;
}

/**
 * How a run ended, and its last lines where it failed.
 * @param again whether somebody starts it again, so that it isn't over
 */
export function endText({ status, exitCode, reason, error, output }: RunEnd, again: boolean): string {
  const how = `${status.replace('_', ' ')}${reason === undefined ? '' : ` (${reason})`}, exit code ${exitCode}`;
  const head = `${how}${again && exitCode !== 0 ? ', to be tried again' : ''}`;
  return [error ? `${head}: ${whatFailed(error)}` : head, ...(output ?? [])].join('\n');
}
