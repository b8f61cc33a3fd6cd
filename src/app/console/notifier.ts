// Sends what is due while the console runs, where its role may: who has a console needs no `run-job notify` beside it.

import type { Logger } from '../../job.ts';
import { notifyRights } from '../../postgres/notifications.ts';
import { inTime } from '../../runner/limited.ts';
import type { Config } from '../config.ts';
import { lookAndNotify } from '../look-and-notify.ts';
import type { UseConnection } from './one-connection.ts';

/** How often is looked, in milliseconds: what somebody has taken and not sent is due again after as long. */
const EVERY_MS = 60_000;

/** How long a look that is under way has to end, once we stop, in milliseconds. */
const STOP_MS = 10_000;

export interface NotifierOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly useConnection: UseConnection;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Looks now, and then again and again. Not by a connection that pages are read by: a receiver that is slow keeps no page waiting.
 * @returns what ends it
 */
export function startNotifier(options: NotifierOptions): () => Promise<void> {
  const { config, log } = options;
  if (config.notify.targets.length === 0 && config.checkIns.length === 0) return async () => undefined;
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let said = '';
  /** Once while it stays so. */
  const say = (text: string, how: 'info' | 'warn') => {
    if (text !== said && text !== '') log[how](text);
    said = text;
  };
  const again = async (): Promise<void> => {
    try {
      await look(options, stop.signal, say);
    } catch (error) {
      say(`what there is to be notified of could not be read: ${(error as Error).message}`, 'warn');
    }
    if (stop.signal.aborted) return;
    timer = setTimeout(() => {
      looking = again();
    }, EVERY_MS);
    // The server keeps the process alive, not this.
    timer.unref();
  };
  let looking = again();
  return async () => {
    stop.abort();
    clearTimeout(timer);
    await inTime(STOP_MS, looking, { keepAlive: false });
  };
}

async function look(
  { config, env, useConnection, log }: NotifierOptions,
  stop: AbortSignal,
  say: (text: string, how: 'info' | 'warn') => void,
): Promise<void> {
  await useConnection(async (queries) => {
    const rights = await notifyRights(queries);
    if (!rights.send) {
      say(
        `this role may only look, so that runs and run-job notify send what is due; for the console to do so: GRANT SELECT, UPDATE ON run_job.notifications TO ${rights.role}`,
        'info',
      );
      return;
    }
    const { sent, problems } = await lookAndNotify({ config, env, queries, closes: rights.close, stop });
    if (sent > 0) log.info(`${sent} notification${sent === 1 ? '' : 's'} sent`);
    say(problems.join('; '), 'warn');
  });
}
