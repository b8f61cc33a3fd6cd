// The script of the watchdog's thread: its timer, with PostgreSQL (loaded only when it kills) to close the record.
import { parentPort, workerData } from 'node:worker_threads';
import type { WatchdogOptions } from '../process/watchdog.ts';
import { watch } from '../process/watchdog-timer.ts';

if (parentPort) {
  watch(parentPort, workerData as WatchdogOptions, async (databaseUrl, { name, runId, job: _, ...end }, limitMs) => {
    const [{ parseServer }, { closeRunning }] = await Promise.all([
      import('../postgres/server.ts'),
      import('../postgres/close-run.ts'),
    ]);
    await closeRunning(parseServer(databaseUrl, { name, runId }, limitMs), runId, { ...end, endedAt: new Date() });
  });
}
