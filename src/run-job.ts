#!/usr/bin/env node
// The executable: loads what it is made of, with the code that V8 has made of it at the build, and starts. Node compiles this file at each start.
import { existsSync } from 'node:fs';
import { createLoad } from './process/load-script.ts';
import { EXIT } from './runner/outcome.ts';

declare const __RUN_JOB_VERSION__: string | undefined;

if (typeof __RUN_JOB_VERSION__ === 'undefined') {
  console.error('run-job: src/ is not run as it is: npm run build, then npx node dist/run-job.js');
  process.exit(EXIT.misconfigured);
}

// Whatever ends the process without a word from us is a crash: Node by itself would exit with 0 when nothing is left to do.
process.exitCode = EXIT.crashed;

const home = import.meta.dirname;
try {
  const load = createLoad(home);
  const { start } = load('./start.cjs') as typeof import('./cli/start.ts');
  start(new URL('.', import.meta.url), (url) => import(url));
} catch (error) {
  const whole = existsSync(`${home}/lazy/start.cjs`);
  console.error(whole ? error : `run-job: ${home}/lazy isn't there: run npm run build, or install run-job again`);
  // Node would say 1, as of a job that failed.
  process.exit(whole ? EXIT.crashed : EXIT.misconfigured);
}
