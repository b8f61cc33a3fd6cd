// Whether all that a job has begun is done when it returns. What nobody awaits is ended with the run: exit 0 would not be true.

import { PermanentError } from '../errors.ts';
import type { AttemptsResult } from './attempts.ts';
import { NODE_TIMERS, pause } from './limited.ts';
import type { OpenResources } from './request.ts';
import type { RunState } from './state.ts';
import { undoneIn } from './undone.ts';

/** How long what is just ending may take, in milliseconds: a connection whose last query has failed needs a moment to be at rest. */
const LAST_MOMENT_MS = 250;

/** The attempts, unless the job has returned before all that it began was done. */
export async function allowSuccess(
  state: RunState,
  attempts: AttemptsResult,
  { close }: OpenResources,
): Promise<AttemptsResult> {
  if (!attempts.ok || state.ports.stop.cause) return attempts;
  // Whether somebody awaited it is told by the event loop, which must turn for it.
  if (state.underWay.failed) await new Promise<void>((resolve) => setImmediate(resolve));
  if (state.ports.stop.cause) return attempts;
  const begun = () => [
    ...state.underWay.tell(),
    ...close.map((each) => each.undone?.()).filter((what) => what !== undefined),
  ];
  if (begun().length > 0) await pause(NODE_TIMERS, LAST_MOMENT_MS, state.ports.stop.signal);
  const undone = [...begun(), ...undoneIn(attempts.value)];
  if (undone.length === 0) return attempts;
  state.leftUndone = true;
  state.underWay.end();
  const error = new PermanentError(
    `The job returned before its work was done: ${undone.slice(0, 5).join(', ')}. Await all that the job begins, and stop what it needs no longer`,
    { result: attempts.value },
  );
  return { ok: false, error };
}
