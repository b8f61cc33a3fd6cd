// `npm run bench -- fuzz [cases] [seed]`: odd values in every variable, and how runs end. Ends with an error at the first that breaks the rules.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ENVIRONMENT } from '../../src/app/environment.ts';
import { type Case, cases, type EndedOddly, wrongWith } from '../run/odd-environment.ts';
import { EXECUTABLE } from '../support/built.ts';
import { tell } from './report.ts';

const LIMIT_MS = 60_000;

/** @param args how many cases (1000), and the seed (1) */
export async function bench([count = '1000', seed = '1']: readonly string[]): Promise<void> {
  const drawn = cases(Object.keys(ENVIRONMENT), Number(count), Number(seed));
  const ends = new Map<string, number>();
  let broken = 0;
  const next = drawn.values();
  const work = async () => {
    for (const one of next) {
      const ended = await run(one);
      const end = String(ended.exitCode ?? 'killed');
      ends.set(end, (ends.get(end) ?? 0) + 1);
      const wrong = wrongWith(ended);
      if (wrong === undefined) continue;
      broken += 1;
      console.error(`${one.name}=${JSON.stringify(one.value)}: ${wrong}\n${ended.stdout}${ended.stderr}`);
    }
  };
  await Promise.all([work(), work()]);
  const rows = [...ends].sort().map(([end, times]) => [end, String(times)]);
  tell('fuzz', ['exit code', 'runs'], [...rows, ['against the rules', String(broken)]], {
    cases: drawn.length,
    seed: Number(seed),
    ends: Object.fromEntries(ends),
    broken,
  });
  if (broken > 0) process.exitCode = 1;
}

async function run({ args, env }: Case): Promise<EndedOddly> {
  const cwd = mkdtempSync(join(tmpdir(), 'run-job-fuzz-'));
  const termination = join(cwd, 'termination-log');
  const child = spawn(process.execPath, [EXECUTABLE, 'noop', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    env: {
      PATH: process.env.PATH,
      RUN_JOB_DIRS: join(import.meta.dirname, '../fixtures/jobs'),
      RUN_JOB_TERMINATION_LOG: termination,
      ...env,
    },
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  const message = existsSync(termination) ? readFileSync(termination, 'utf8') : '';
  rmSync(cwd, { recursive: true, force: true });
  return { exitCode, stdout, stderr, termination: message, summary: lastLine(stdout) };
}

function lastLine(stdout: string): EndedOddly['summary'] {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as EndedOddly['summary'];
  } catch {
    return undefined;
  }
}
