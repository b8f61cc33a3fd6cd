// Signals, from the first instruction on: those that by default end a process ask the run to stop, and a second one ends it at once.
// SIGPIPE and SIGXFSZ are left alone: Node already turns them into errors of the write. What tells of a broken process, such as SIGSEGV, and
// what nobody can catch ends it without a word.
import { STOP_SIGNALS, type StopSignal, signalExitCode } from '../runner/outcome.ts';
import type { Stop } from '../runner/stop.ts';

/** The signals by which a person or Kubernetes insists; others come in pairs by themselves, as SIGHUP does behind SIGTERM. */
const INSISTING: readonly StopSignal[] = ['SIGINT', 'SIGQUIT', 'SIGTERM'];

/** They mean something to programs that wait for them, and nothing to a run. Without a listener the first would open Node's debugger. */
const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const;

/** Listens to all of them. `exitNow` is called at the second one that insists. */
export function listenForSignals(
  stop: Stop,
  exitNow: (exitCode: number) => void,
  listen: (signal: NodeJS.Signals, listener: (signal: never) => void) => void,
): void {
  let received = 0;
  const onSignal = (signal: StopSignal) => {
    received += 1;
    if (received === 1) stop.request({ kind: 'signal', signal });
    else if (INSISTING.includes(signal)) exitNow(stop.lastWords?.(signal) ?? signalExitCode(signal));
  };
  for (const signal of Object.keys(STOP_SIGNALS) as StopSignal[]) listen(signal, onSignal);
  for (const signal of IGNORED) listen(signal, (name: string) => stop.onIgnoredSignal?.(name));
}
