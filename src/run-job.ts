#!/usr/bin/env node
// The executable: argv in, exit code out. The only file that ends the process.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { openOutput } from './cli/terminal/stdio.ts';
import { type Exits, guardAgainstCrashes } from './process/crash-guard.ts';
import { keepOwnListeners } from './process/own-listeners.ts';
import { listenForSignals } from './process/signals.ts';
import { STEP_LIMITS } from './runner/limited.ts';
import { EXIT } from './runner/outcome.ts';
import { Stop } from './runner/stop.ts';

declare const __RUN_JOB_VERSION__: string | undefined;

if (typeof __RUN_JOB_VERSION__ === 'undefined') {
  console.error('run-job: src/ is not run as it is: npm run build, then npx node dist/run-job.js');
  process.exit(EXIT.misconfigured);
}

// Whatever ends the process without a word from us is a crash: Node by itself would exit with 0 when nothing is left to do.
process.exitCode = EXIT.crashed;

// Node keeps ten frames: where a library is deep, none of them would be the job's.
Error.stackTraceLimit = 50;

const stop = new Stop();
const listen = keepOwnListeners();
listenForSignals(stop, (code) => void output.flush(STEP_LIMITS.lastLine).then(() => leave(code)), listen);
const exits: Exits = guardAgainstCrashes(stop, listen);
const output = openOutput(() => !stop.settled);

/** What Node calls that which may hold a thread of libuv's. */
const BLOCKING = ['GetAddrInfoReqWrap', 'FSReqCallback', 'FSReqPromise'];

const home = new URL('.', import.meta.url);
const cache = fileURLToPath(new URL('.compile-cache', home));
enableCompileCache(existsSync(cache) ? cache : undefined);

import('./cli/main.ts')
  .then(({ main }) => main({ argv: process.argv.slice(2), env: process.env, home, stop, output }))
  .then(leave, (error) => {
    console.error(error);
    leave(EXIT.crashed);
  });

/**
 * Ends the process at once. `process.exit` alone waits for every name that is being looked up and every file that is being read or
 * written: that blocks a thread of libuv's, which is joined at exit, and a resolver that never answers takes 20 s and more. A fresh Node
 * that takes the process's place has no such thread; it is there in every image, a shell isn't, and Node aborts when what it should become
 * is not there. Where a process can't be replaced (Windows), the wait it is.
 */
function leave(code: number): never {
  if (process.getActiveResourcesInfo().some((resource) => BLOCKING.includes(resource))) {
    try {
      exits.becomeExit(code);
    } catch {
      // Not on this system.
    }
  }
  exits.exit(code);
}
