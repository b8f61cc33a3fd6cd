// SIGTERM and SIGINT, from the first instruction on: the first asks the run to stop, a second one ends the process at once.
// SIGHUP and SIGPIPE are left alone: Node already turns a write to a closed pipe into EPIPE.
import { signalExitCode } from '../runner/outcome.ts';
import type { Stop, StopSignal } from '../runner/stop.ts';

/** Listens for both signals. `exitNow` is called at the second one. */
export function listenForSignals(stop: Stop, exitNow: (exitCode: number) => void): void {
  let received = 0;
  const onSignal = (signal: StopSignal) => {
    received += 1;
    if (received > 1) exitNow(stop.lastWords?.(signal) ?? signalExitCode(signal));
    else stop.request({ kind: 'signal', signal });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
