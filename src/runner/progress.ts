// How a long job says how far it is: a bar on a terminal, a log line now and then elsewhere.
import type { Fields, Logger } from '../job.ts';
import { formatDuration } from './duration.ts';

const LINE_INTERVAL_MS = 10_000;
const BAR_INTERVAL_MS = 100;
const BAR_WIDTH = 24;

/** Where a bar is drawn. */
export interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

/** One job's progress. */
export interface Progress {
  report(done: number, total?: number, fields?: Fields): void;
  /** Ends the bar, so that what is written next starts on a line of its own. */
  end(): void;
}

/** A bar on `terminal`, or a line in `log` at most every ten seconds (the end of the work is always told). */
export function createProgress(log: Logger, terminal: Terminal | undefined, now: () => number): Progress {
  const started = now();
  let last = terminal ? Number.NEGATIVE_INFINITY : started;
  let drawn = false;

  return {
    report(done, total, fields) {
      const complete = total !== undefined && done >= total;
      const interval = terminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
      if (!complete && now() - last < interval) return;
      last = now();
      if (terminal) {
        drawn = true;
        terminal.write(`\r\u001b[K${bar(done, total, now() - started).slice(0, (terminal.columns || 80) - 1)}`);
      } else {
        const percent = total ? { percent: Math.floor((100 * done) / total) } : {};
        log.info('progress', { done, ...(total !== undefined && { total }), ...percent, ...fields });
      }
    },
    end() {
      if (drawn) terminal?.write('\r\u001b[K');
      drawn = false;
    },
  };
}

function bar(done: number, total: number | undefined, elapsedMs: number): string {
  const count = done.toLocaleString('en');
  if (!total) return `${count} done in ${formatDuration(elapsedMs)}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const left = share > 0 && share < 1 ? `, ${formatDuration((elapsedMs / share) * (1 - share))} left` : '';
  const picture = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${picture} ${Math.floor(share * 100)}%  ${count} of ${total.toLocaleString('en')}${left}`;
}
