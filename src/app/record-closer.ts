// The program that closes the record of a process whose heap is exhausted, and lets that process go on to its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSING_ORDER, type ClosingOrder, OTHERS_RECORD_LIMIT_MS } from '../process/speech.ts';
import { limited } from '../runner/limited.ts';
import { closeRecord } from './close-record.ts';

/** How often, and how many times, a process is told to go on that may only be about to stop. */
const AGAIN_MS = 100;
const MOST_TIMES = 20;

const { databaseUrl, summary, pid } = JSON.parse(process.env[CLOSING_ORDER] ?? '') as ClosingOrder;

async function goOn(): Promise<void> {
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

// Whatever goes wrong here, the record stays open and the next run finds it dead.
limited('closing the record', OTHERS_RECORD_LIMIT_MS, closeRecord(databaseUrl, summary, OTHERS_RECORD_LIMIT_MS))
  .catch(() => undefined)
  .then(goOn)
  .finally(() => process.exit());
