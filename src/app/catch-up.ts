// The slots that were missed, done by the next run before its own: each as a run of its own, with its own deadline, lock and record.
import { withConnection } from '../postgres/connect.ts';
import { catchUpOf } from '../postgres/schedules.ts';
import { parseServer } from '../postgres/server.ts';
import { missedSlots } from '../postgres/slots.ts';
import { EXIT } from '../runner/outcome.ts';
import type { RunLog } from '../runner/ports.ts';
import type { Stop } from '../runner/stop.ts';
import { openChildren } from './children.ts';
import type { Config } from './config.ts';
import { databaseNow, noticeMissed } from './missed-slots.ts';

/** The run that catches up. */
export interface CatchUp {
  readonly name: string;
  /** Its own slot: only earlier ones are caught up with. */
  readonly slot: Date;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly env: NodeJS.ProcessEnv;
  /** The folder that holds the executable. */
  readonly home: URL;
  /** The command line of a run for this slot. */
  readonly argvFor: (slot: Date) => readonly string[];
  readonly stop: Stop;
  readonly log: RunLog;
}

/** Whoever doesn't get the lock or the database for one slot doesn't for the next. */
const NO_USE: readonly number[] = [EXIT.locked, EXIT.unavailable, EXIT.misconfigured];

/** Runs the missed slots, the oldest first, as many as the schedule allows. What fails is in its record, and the next is run all the same. */
export async function catchUp(task: CatchUp): Promise<void> {
  const { name, env, home, argvFor, stop, log } = task;
  const slots = await slotsToDo(task);
  if (slots.length > 0)
    log.info(`catching up: ${slots.length === 1 ? '1 slot was' : `${slots.length} slots were`} missed`, {
      name,
      slots,
    });
  const children = openChildren({ env, home, stop, stdio: 'inherit' });
  for (const slot of slots) {
    if (stop.cause) return;
    const exitCode = await children.run(argvFor(slot));
    if (exitCode !== EXIT.ok) log.warn('a slot that was caught up with did not succeed', { name, slot, exitCode });
    if (NO_USE.includes(exitCode)) return;
  }
}

async function slotsToDo({ name, slot, config, databaseUrl }: CatchUp): Promise<Date[]> {
  const server = parseServer(databaseUrl, { name }, config.connectTimeoutMs);
  return withConnection(server, async (connection) => {
    const rule = await catchUpOf(connection, name);
    if (rule === undefined) return [];
    await noticeMissed(connection, await databaseNow(connection), [name], slot);
    return missedSlots(connection, name, { after: rule.since, before: slot, limit: rule.limit, shard: config.shard });
  });
}
