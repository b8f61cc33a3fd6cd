// Our listeners on `process`, which nobody else can take away: a job that calls `process.removeAllListeners()` means its own.

type Listener = (...args: never[]) => void;

/** Adds a listener that stays. */
export type Listen = (event: string, listener: Listener) => void;

/** From now on what removes listeners from `process` passes over those that are added by what this returns. */
export function keepOwnListeners(): Listen {
  const kept = new Map<string | symbol, Set<unknown>>();
  const isKept = (event: string | symbol, listener: unknown) => kept.get(event)?.has(listener) === true;
  const remove = process.removeListener.bind(process);
  const removeAll = process.removeAllListeners.bind(process);

  process.off = process.removeListener = (event: string, listener: Listener) => {
    if (!isKept(event, listener)) remove(event, listener as never);
    return process;
  };
  process.removeAllListeners = (event?: string | symbol) => {
    const events = event === undefined ? process.eventNames() : [event];
    for (const name of events) {
      if (!kept.has(name)) removeAll(name as never);
      else for (const listener of process.listeners(name as never)) process.removeListener(name as never, listener);
    }
    return process;
  };
  return (event, listener) => {
    kept.set(event, (kept.get(event) ?? new Set()).add(listener));
    process.on(event, listener as never);
  };
}
