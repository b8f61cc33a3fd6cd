// The program that closes the record of a process whose heap is exhausted, and lets that process go on to its end. It starts itself once more
// as its own guard: whatever happens to one of the two, the other lets that process go.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSING_ORDER, type ClosingOrder, OTHERS_RECORD_LIMIT_MS } from '../process/speech.ts';
import { limited } from '../runner/limited.ts';
import { closeRecord } from './close-record.ts';
import { sendAll } from './send-all.ts';

/** How often, and how many times, a process is told to go on that may only be about to stop. */
const AGAIN_MS = 100;
const MOST_TIMES = 20;

const GUARD = 'guard';

async function goOn(pid: number): Promise<void> {
  for (let times = 0; times < MOST_TIMES; times += 1) {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It has ended.
      return;
    }
    await sleep(AGAIN_MS);
  }
}

/** Waits until whoever started this has ended, or should have. */
function starterGone(): Promise<unknown> {
  const gone = new Promise((resolve) => process.stdin.on('error', resolve).on('close', resolve).resume());
  return Promise.race([gone, sleep(OTHERS_RECORD_LIMIT_MS)]);
}

/** Starts this program once more; it sees by its standard input when this one ends. */
function startGuard(pid: number): void {
  const guard = spawn(process.execPath, [process.argv[1] ?? '', GUARD, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    detached: true,
    env: {},
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
}

async function close({ databaseUrl, summary, requests, pid }: ClosingOrder): Promise<void> {
  startGuard(pid);
  const closing = Promise.allSettled([
    databaseUrl === undefined ? undefined : closeRecord(databaseUrl, summary, OTHERS_RECORD_LIMIT_MS),
    requests.length > 0 ? sendAll(requests, OTHERS_RECORD_LIMIT_MS / 2) : undefined,
  ]);
  // Whatever goes wrong here, the record stays open and the next run finds it dead.
  await limited('closing the record', OTHERS_RECORD_LIMIT_MS, closing).catch(() => undefined);
  await goOn(pid);
}

const [, , role, guarded] = process.argv;
const work =
  role === GUARD
    ? starterGone().then(() => goOn(Number(guarded)))
    : close(JSON.parse(process.env[CLOSING_ORDER] ?? '') as ClosingOrder);
work.finally(() => process.exit());
