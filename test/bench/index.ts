// `npm run bench -- <name>`: runs one benchmark by the name of its file.
import { existsSync } from 'node:fs';

const [name = '', ...args] = process.argv.slice(2);
const file = new URL(`./${name}.bench.ts`, import.meta.url);
if (!/^[a-z-]+$/.test(name) || !existsSync(file)) {
  console.error(
    'Name a benchmark, as in npm run bench -- startup: startup, crowd, history, cleanup, report or redaction',
  );
  process.exitCode = 64;
} else {
  const { bench } = (await import(file.href)) as { bench(args: readonly string[]): Promise<void> };
  await bench(args);
}
