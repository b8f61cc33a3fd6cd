// Nothing is lost: runs of the built executable, killed at random moments, against real consumers. `TEST_KILLS=200` kills more.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bindQueue, type Consumer, consume, EXCHANGE } from '../../support/amqp.ts';
import { runJob, runToEnd } from '../../support/run-job.ts';
import { createVhost } from '../../support/vhost.ts';
import { MONDAY, type ReportDatabase, reportDatabase } from './setting.ts';

/** Each lane has a database and an exchange of its own, for one database runs the job once at a time. */
const LANES = 4;
const LEAST_KILLS = Number(process.env.TEST_KILLS ?? 48) / LANES;
/** Beyond the least a lane goes on until one of its kills has left a message unconfirmed. */
const MOST_KILLS = Math.max(50, LEAST_KILLS);

/** A slot of its own for each run. */
const slot = (run: number) => [
  '--scheduled-at',
  new Date(MONDAY.getTime() - run * 7 * 24 * 3_600_000).toISOString(),
  '--locked',
  'wait',
];

test(`of ${LANES * LEAST_KILLS} runs killed at random moments no report is lost, and repeats have an equal messageId`, async () => {
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(`${EXCHANGE}.${lane}`)));
  const sum = (pick: (lane: Lane) => number) => lanes.reduce((total, lane) => total + pick(lane), 0);
  const stored = sum((lane) => lane.stored.size);
  expect(sum((lane) => lane.killed)).toBeGreaterThanOrEqual(LANES * LEAST_KILLS);
  // Kills before the commit, and kills after it: the test would show nothing if there were only one kind.
  expect(stored).toBeGreaterThan(LANES);
  expect(sum((lane) => lane.leftUnconfirmed)).toBeGreaterThan(0);
  console.info(
    `${sum((lane) => lane.killed)} runs killed; ${stored} reports stored, ${sum((lane) => lane.leftUnconfirmed)} of them completed by a later run; ${sum((lane) => lane.consumed)} messages consumed`,
  );
}, 480_000);

interface Lane {
  readonly killed: number;
  /** The ids of all messages that were ever stored. */
  readonly stored: ReadonlySet<string>;
  /** How often a kill left a stored message unconfirmed. */
  readonly leftUnconfirmed: number;
  readonly consumed: number;
}

async function runLane(exchange: string): Promise<Lane> {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, exchange));
  await setting.add({});
  const world = { database: setting.database, env: { AMQP_URL: vhost.url, AMQP_EXCHANGE: exchange } };
  let killed = 0;
  let leftUnconfirmed = 0;
  let known = { stored: 0, pending: new Set<string>() };
  // The moment of the kill is random within this time from the job's start. It follows how long a run takes on this machine, now:
  // a run that ended before its kill came makes it shorter, and one that was killed before it stored anything longer.
  let windowMs = 100;
  for (let run = 1; killed < LEAST_KILLS || (leftUnconfirmed === 0 && killed < MOST_KILLS); run += 1) {
    await using running = runJob(['report_generator', ...slot(run)], world);
    await running.waitForLine(({ msg }) => msg === 'run started');
    await sleep(Math.random() * windowMs);
    running.kill('SIGKILL');
    const wasKilled = (await running.done).signal === 'SIGKILL';
    if (wasKilled) killed += 1;
    const pending = await idsOf(setting, false);
    const stored = pending.size + (await idsOf(setting, true)).size;
    leftUnconfirmed += [...pending].filter((id) => !known.pending.has(id)).length;
    if (!wasKilled) windowMs *= 0.8;
    else if (stored === known.stored) windowMs *= 1.1;
    known = { stored, pending };
  }
  const last = await runToEnd(['report_generator', ...slot(0)], world);
  expect(last.summary).toMatchObject({ status: 'succeeded' });
  const stored = await idsOf(setting, true);
  expect(await idsOf(setting, false)).toEqual(new Set());
  await allCame(consumer, stored);
  return { killed, stored, leftUnconfirmed, consumed: consumer.received.length };
}

/** Every stored message came, nothing else did, and what came again is the same. */
async function allCame(consumer: Consumer, stored: ReadonlySet<string>): Promise<void> {
  while (new Set(consumer.ids()).size < stored.size) await consumer.reached(consumer.received.length + 1);
  expect(new Set(consumer.ids())).toEqual(stored);
  const bodies = Map.groupBy(consumer.received, ({ properties }) => properties.messageId as string);
  for (const [id, messages] of bodies) {
    expect(new Set(messages.map(({ content }) => content.toString())).size, id).toBe(1);
  }
}

async function idsOf({ outbox }: ReportDatabase, confirmed: boolean): Promise<Set<string>> {
  return new Set((await outbox()).filter((row) => row.confirmed === confirmed).map((row) => row.message_id));
}
