// Whether a run catches up with slots that were missed before it does its own.
import { readConfig } from '../../app/config.ts';
import { makeIdentity } from '../../app/identity.ts';
import { redactorFor } from '../../app/redactor.ts';
import { createLogger } from '../../log/logger.ts';
import { processStart } from '../../process/clock.ts';
import type { Invocation } from '../command.ts';
import { openTerminal } from '../terminal/run-terminal.ts';
import type { Order } from './run-arguments.ts';

/**
 * Does the missed slots of a run that a CronJob has started, where it is asked to. What goes wrong is a warning: the run's own slot is done in
 * any case. Returns when that was over; undefined where there was nothing to ask.
 * @param place where in the command line the time of a slot goes
 */
export async function catchUpBefore(
  job: string,
  order: Order,
  place: number,
  invocation: Invocation,
): Promise<Date | undefined> {
  const { argv, env, home, stop, output } = invocation;
  const { config } = readConfig(env);
  const { name, scheduledAt, scheduledBy } = makeIdentity({ job, ...order }, config, processStart());
  if (order.scheduledAt !== undefined || order.dryRun || order.forced || order.problem !== undefined) return undefined;
  if (!config.catchesUp || config.databaseUrl === undefined || scheduledBy !== 'schedule') return undefined;
  const terminal = openTerminal({ level: undefined, format: undefined }, output);
  const log = await createLogger({
    level: config.log.level,
    format: config.log.format ?? terminal.log.usualFormat,
    write: terminal.log.write,
    redact: redactorFor(env),
    bindings: () => ({ job, name }),
  });
  const argvFor = (slot: Date) => [
    ...argv.slice(0, place),
    `--scheduled-at=${slot.toISOString()}`,
    ...argv.slice(place),
  ];
  try {
    const { catchUp } = await import('../../app/catch-up.ts');
    const { databaseUrl } = config;
    await catchUp({ name, slot: scheduledAt, config, databaseUrl, env, home, argvFor, stop, log });
  } catch (error) {
    log.warn(`the slots that were missed could not be caught up with: ${(error as Error).message}`);
  }
  return new Date();
}
