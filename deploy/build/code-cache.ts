// `node deploy/build/code-cache.ts <dist>`: compiles what a run loads, every function of it, so that no run has to. It is good for the Node
// that made it, and any other takes no notice of it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { CODE_CACHE_END } from '../../src/process/code-cache.ts';

/** What runs load of `lazy/`. The code of commands would take ten times the room, and who calls one doesn't wait for 10 ms. */
const OF_RUNS = [
  'start',
  'program-executor',
  'postgres',
  'rabbitmq',
  'sdk',
  'alerts',
  'checkpointing',
  'checkpoints',
  'checkpoint-file',
  'tend-schedule',
];

const [dist = 'dist'] = process.argv.slice(2);
mkdirSync(join(dist, 'code-cache'), { recursive: true });
for (const name of OF_RUNS) {
  // Without a folder, so that the code doesn't depend on where it was made.
  const filename = `${name}.cjs`;
  const source = readFileSync(join(dist, 'lazy', filename));
  const text = source.toString('latin1');
  // V8 keeps with the code the flags that it has when it writes it, and compares them: so it compiles with one more, and writes without.
  setFlagsFromString('--no-lazy');
  const script = new Script(text, { filename });
  setFlagsFromString('--lazy');
  const code = script.createCachedData();
  if (new Script(text, { filename, cachedData: code }).cachedDataRejected) {
    throw new Error(`V8 refuses the code that it has made of ${filename}: see how deploy/build/code-cache.ts makes it`);
  }
  const end = Buffer.from(CODE_CACHE_END, 'latin1');
  writeFileSync(join(dist, 'code-cache', `${filename}.bin`), Buffer.concat([code, source, end]));
}
