// A time limit for one step, so that nothing that is closed or sent can hold up the end of a run.

/** Thrown when a step took longer than it may. */
export class StepTimeout extends Error {
  override readonly name = 'StepTimeout';
}

/**
 * The step's own end, or a rejection once `limitMs` have passed. The timer keeps the process alive while it runs.
 * @throws {StepTimeout} `what` took longer
 */
export async function limited<T>(what: string, limitMs: number, step: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new StepTimeout(`${what} took longer than ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([step, expired]);
  } finally {
    clearTimeout(timer);
  }
}
