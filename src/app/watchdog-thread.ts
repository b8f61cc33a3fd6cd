// The script of the watchdog's thread: its timer, with PostgreSQL, which is loaded only when the thread must close the record or prove the lock.
import { parentPort, workerData } from 'node:worker_threads';
import type { WatchdogData } from '../process/watchdog.ts';
import { watch } from '../process/watchdog-timer.ts';
import { closeRecord } from './close-record.ts';

if (parentPort) {
  const data = workerData as WatchdogData;
  watch(parentPort, data, {
    closeRecord,
    async proveLock({ name, runId }, limitMs) {
      const [{ parseServer }, { lockHeld }] = await Promise.all([
        import('../postgres/server.ts'),
        import('../postgres/lock-held.ts'),
      ]);
      return lockHeld(parseServer(data.databaseUrl ?? '', { name, runId }, limitMs), runId);
    },
  });
}
