// The termination message: what `kubectl describe pod` shows of a run that has ended.
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
import type { ErrorInfo, Summary } from './outcome.ts';

/** What the kubelet keeps of a container's message, in bytes. */
export const TERMINATION_LIMIT = 4096;

/** The summary as one line of JSON that fits: what matters least is dropped first, and no character is cut in two. */
export function terminationMessage(summary: Summary): string {
  const { error, ...rest } = summary;
  const short = error && { name: error.name, message: error.message, ...(error.code && { code: error.code }) };
  const forms = [
    { ...rest, ...(error && { error: withoutStacks(error) }) },
    { ...rest, ...(short && { error: short }) },
    { ...rest, result: undefined, resultOmitted: true, ...(short && { error: short }) },
  ];
  for (const form of 'result' in rest && !mayFit(rest.result) ? forms.slice(-1) : forms) {
    const text = JSON.stringify(form);
    if (Buffer.byteLength(text) <= TERMINATION_LIMIT) return text;
  }
  const head = { ...rest, result: undefined, resultOmitted: true };
  const room = TERMINATION_LIMIT - Buffer.byteLength(JSON.stringify({ ...head, error: { ...short, message: '' } }));
  return JSON.stringify({ ...head, error: { ...short, message: cutJson(error?.message ?? '', room) } });
}

/** Whether a result isn't too large by itself; one of megabytes is never written for this, which is told several times in a run. */
function mayFit(result: unknown): boolean {
  let room = TERMINATION_LIMIT;
  const count = (_: string, value: unknown) => {
    room -= typeof value === 'string' ? value.length : 1;
    if (room < 0) throw TOO_LARGE;
    return value;
  };
  try {
    JSON.stringify(result, count);
    return true;
  } catch (error) {
    if (error === TOO_LARGE) return false;
    throw error;
  }
}

const TOO_LARGE = new Error('the result is too large');

function withoutStacks({ stack: _, causes, ...error }: ErrorInfo): ErrorInfo {
  return { ...error, ...(causes && { causes: causes.map(withoutStacks) }) };
}

/** The longest beginning of `text` whose JSON form takes at most `bytes`. */
function cutJson(text: string, bytes: number): string {
  const ellipsis = '…';
  let room = bytes - Buffer.byteLength(ellipsis);
  let cut = '';
  for (const character of text) {
    room -= Buffer.byteLength(JSON.stringify(character)) - 2;
    if (room < 0) return cut + ellipsis;
    cut += character;
  }
  return cut;
}
