// Whatever was thrown, as plain data: name, message, code, stack, and its causes.
import type { ErrorInfo } from './outcome.ts';
import type { Redactor } from './redact.ts';

const MAX_CAUSES = 8;

/** Ours that say all in their message: a stack trace is for bugs. */
const WITHOUT_STACK = new Set<unknown>([
  'ERR_RUN_JOB_USAGE',
  'ERR_RUN_JOB_CONFIG',
  'ERR_RUN_JOB_UNAVAILABLE',
  'ERR_RUN_JOB_TIMEOUT',
  'ERR_RUN_JOB_INTERRUPTED',
  'ERR_RUN_JOB_PROGRAM',
  'ERR_RUN_JOB_TEMPORARY',
]);

const MAX_NAME = 200;

/** How much of a message and of a stack trace is told; a message of megabytes would bury the log. */
const MAX_MESSAGE = 8 * 1024;
const MAX_STACK = 16 * 1024;

/** Describes anything that can be thrown: an Error, an AggregateError, a string, undefined. Never throws. */
export function describeError(thrown: unknown, redactor: Redactor): ErrorInfo {
  try {
    return describe(thrown, redactor, 0);
  } catch {
    return { name: 'NonError', message: 'a value that throws when it is looked at was thrown' };
  }
}

function describe(thrown: unknown, redactor: Redactor, depth: number): ErrorInfo {
  if (!(thrown instanceof Error)) {
    return {
      name: 'NonError',
      message: tell(`a value that isn't an Error was thrown: ${show(thrown)}`, MAX_MESSAGE, redactor),
    };
  }
  const code =
    'code' in thrown && thrown.code !== undefined ? tell(String(thrown.code), MAX_NAME, redactor) : undefined;
  const nested: unknown[] = [];
  if (thrown instanceof AggregateError) nested.push(...thrown.errors);
  if (thrown.cause !== undefined) nested.push(thrown.cause);
  const causes =
    depth < MAX_CAUSES ? nested.slice(0, MAX_CAUSES).map((cause) => describe(cause, redactor, depth + 1)) : [];
  return {
    name: tell(String(thrown.name), MAX_NAME, redactor),
    message: tell(thrown.message || '(no message)', MAX_MESSAGE, redactor),
    ...(code !== undefined && { code }),
    ...(thrown.stack !== undefined && !WITHOUT_STACK.has(code) && { stack: tell(thrown.stack, MAX_STACK, redactor) }),
    ...(causes.length > 0 && { causes }),
  };
}

/** Redacted before it is cut, so that no half of a secret stays where it is cut. */
function tell(text: string, most: number, redactor: Redactor): string {
  if (text.length <= most) return redactor.text(text);
  return `${redactor.text(text.slice(0, 2 * most)).slice(0, most)}… (${text.length} characters in all)`;
}

function show(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}
