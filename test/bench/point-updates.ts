// A process of its own that updates single rows at a fixed rate until it is told to stop, and then tells how long each update took:
// `node point-updates.ts <url> <rows>`, over an IPC channel. Apart, so that nothing but the database can make it wait.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Updates per second, spread over the clients. At a fixed rate, a slow answer doesn't thin out the questions. */
const CLIENTS = 4;
const UPDATES_PER_SECOND = 200;
/** A connection's first statements read the catalogs and plan; the application that is to be hurt has long been running. */
const WARM_UP = 20;

const [connectionString, rows] = process.argv.slice(2);
const clients = Array.from({ length: CLIENTS }, () => new pg.Client({ connectionString }));
const measured: number[] = [];

// Rows are due by the remainder of their id: one that leaves 4 is live.
const update = (client: pg.Client) =>
  client.query('update transactions set amount = amount + 0.01 where id = $1', [
    5 * Math.ceil((Math.random() * Number(rows)) / 5) - 1,
  ]);

for (const client of clients) {
  await client.connect();
  for (let count = 0; count < WARM_UP; count += 1) await update(client);
}

let over = false;
const stopped = once(process, 'message').then(() => {
  over = true;
});
process.send?.('warm');
const startedAt = performance.now();
await Promise.all(
  clients.map(async (client, index) => {
    for (let count = 0; !over; count += 1) {
      const due = startedAt + ((count * CLIENTS + index) * 1_000) / UPDATES_PER_SECOND;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      // From when it should begin, where it begins late: a stall counts for all that had to wait behind it.
      const from = Math.min(due, performance.now());
      await update(client);
      measured.push(performance.now() - from);
    }
  }),
);
await stopped;
await Promise.all(clients.map((client) => client.end()));
process.send?.(measured);
process.disconnect?.();
