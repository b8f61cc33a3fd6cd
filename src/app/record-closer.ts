// The program that closes the record of a process whose heap is exhausted, and lets that process go on to its end.
import { readFileSync } from 'node:fs';
import { type ClosingOrder, RECORD_LIMIT_MS } from '../process/speech.ts';
import { limited } from '../runner/limited.ts';
import { closeRecord } from './close-record.ts';

const { databaseUrl, summary, pid } = JSON.parse(readFileSync(0, 'utf8')) as ClosingOrder;
// Whatever goes wrong here, the record stays open and the next run finds it dead.
limited('closing the record', RECORD_LIMIT_MS, closeRecord(databaseUrl, summary, RECORD_LIMIT_MS))
  .catch(() => undefined)
  .finally(() => {
    try {
      process.kill(pid, 'SIGCONT');
    } finally {
      process.exit();
    }
  });
