// The script of the watchdog's thread: the runner's watchdog, with PostgreSQL (loaded only when it bites) to close the record.
import { parentPort } from 'node:worker_threads';
import { guard } from '../process/watchdog-timer.ts';

if (parentPort) {
  guard(parentPort, async (databaseUrl, { job, runId, ...end }, limitMs) => {
    const [{ parseServer }, { closeRunning }] = await Promise.all([
      import('../postgres/server.ts'),
      import('../postgres/close-run.ts'),
    ]);
    await closeRunning(parseServer(databaseUrl, { job, runId }, limitMs), runId, { ...end, endedAt: new Date() });
  });
}
