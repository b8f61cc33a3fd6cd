// From argv to the end of the process: what is there before anything else can go wrong, `main`, and the exit with its code.
import { type Exits, guardAgainstCrashes } from '../process/crash-guard.ts';
import { lendImport } from '../process/import-module.ts';
import { keepOwnListeners } from '../process/own-listeners.ts';
import { listenForSignals } from '../process/signals.ts';
import { STEP_LIMITS } from '../runner/limited.ts';
import { EXIT } from '../runner/outcome.ts';
import { Stop } from '../runner/stop.ts';
import { main } from './main.ts';
import { openOutput } from './terminal/stdio.ts';

/** What Node calls that which may hold a thread of libuv's. */
const BLOCKING = ['GetAddrInfoReqWrap', 'FSReqCallback', 'FSReqPromise'];

/**
 * Does what the command line says, and ends the process with its exit code.
 * @param home the folder that holds the executable
 * @param importModule the executable's own `import()`
 */
export function start(home: URL, importModule: (url: string) => Promise<unknown>): void {
  lendImport(importModule);
  // Node keeps ten frames: where a library is deep, none of them would be the job's.
  Error.stackTraceLimit = 50;

  const stop = new Stop();
  const listen = keepOwnListeners();
  listenForSignals(stop, (code) => void output.flush(STEP_LIMITS.lastLine).then(() => leave(exits, code)), listen);
  const exits = guardAgainstCrashes(stop, listen);
  const output = openOutput(() => !stop.settled);

  main({ argv: process.argv.slice(2), env: process.env, home, stop, output }).then(
    (code) => leave(exits, code),
    (error) => {
      console.error(error);
      leave(exits, EXIT.crashed);
    },
  );
}

/**
 * Ends the process at once. `process.exit` alone waits for every name that is being looked up and every file that is being read or
 * written: that blocks a thread of libuv's, which is joined at exit, and a resolver that never answers takes 20 s and more. A fresh Node
 * that takes the process's place has no such thread; it is there in every image, a shell isn't, and Node aborts when what it should become
 * is not there. Where a process can't be replaced (Windows), the wait it is.
 */
function leave(exits: Exits, code: number): never {
  if (process.getActiveResourcesInfo().some((resource) => BLOCKING.includes(resource))) {
    try {
      exits.becomeExit(code);
    } catch {
      // Not on this system.
    }
  }
  exits.exit(code);
}
