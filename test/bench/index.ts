// Runs one benchmark: `npm run bench -- startup`.
import { readdirSync } from 'node:fs';

// What the bundler puts in.
Object.assign(globalThis, { __RUN_JOB_VERSION__: 'bench' });

const [name = '', ...args] = process.argv.slice(2);
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''))
  .sort();
if (!names.includes(name)) {
  console.error(`Name a benchmark, as in npm run bench -- startup: ${names.join(', ')}`);
  process.exitCode = 64;
} else {
  const { bench } = (await import(new URL(`./${name}.bench.ts`, import.meta.url).href)) as {
    bench(args: readonly string[]): Promise<void>;
  };
  await bench(args);
}
