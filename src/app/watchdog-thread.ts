// The script of the watchdog's thread: its timer, with PostgreSQL and HTTP, which are loaded only when the thread must
// close the record, prove the lock or tell others.
import { parentPort, workerData } from 'node:worker_threads';
import type { WatchdogData } from '../process/watchdog.ts';
import { watch } from '../process/watchdog-timer.ts';
import { closeRecord } from './close-record.ts';
import { sendAll } from './send-all.ts';

if (parentPort) {
  const data = workerData as WatchdogData;
  watch(parentPort, data, {
    closeRecord,
    sendAll,
    async proveLock({ name, runId }, limitMs) {
      const [{ parseServer }, { lockHeld }] = await Promise.all([
        import('../postgres/server.ts'),
        import('../postgres/lock-held.ts'),
      ]);
      return lockHeld(parseServer(data.databaseUrl ?? '', { name, runId }, limitMs), runId);
    },
  });
}
