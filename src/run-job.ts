#!/usr/bin/env node
// The executable: argv in, exit code out. The only file that ends the process.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ignoreClosedPipes } from './cli/stdio.ts';
import { guardAgainstCrashes } from './runner/crash-guard.ts';
import { EXIT } from './runner/outcome.ts';
import { listenForSignals } from './runner/signals.ts';
import { Stop } from './runner/stop.ts';

// Whatever ends the process without a word from us is a crash: Node by itself would exit with 0 when nothing is left to do.
process.exitCode = EXIT.crashed;

const stop = new Stop();
listenForSignals(stop, (code) => process.exit(code));
guardAgainstCrashes(stop);
ignoreClosedPipes();

const home = new URL('.', import.meta.url);
const cache = fileURLToPath(new URL('.compile-cache', home));
enableCompileCache(existsSync(cache) ? cache : undefined);

import('./cli/main.ts')
  .then(({ main }) => main({ argv: process.argv.slice(2), env: process.env, home, stop }))
  .then(
    (code) => process.exit(code),
    (error) => {
      console.error(error);
      process.exit(EXIT.crashed);
    },
  );
