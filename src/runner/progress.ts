// How a long job says how far it is: a bar on a terminal, a log line now and then elsewhere.
import type { Fields, Logger } from '../job.ts';
import type { Clock, ProgressBar } from './ports.ts';

const LINE_INTERVAL_MS = 10_000;
const BAR_INTERVAL_MS = 100;

/** One job's progress. */
export interface Progress {
  report(done: number, total?: number, fields?: Fields): void;
  /** Ends the bar, so that what is written next starts on a line of its own. */
  end(): void;
}

/**
 * Draws `bar` at most ten times a second, or logs a line at most every ten seconds; the end of the work is always told.
 * @param tell hears of every report
 */
export function createProgress(
  log: Logger,
  bar: ProgressBar | undefined,
  clock: Pick<Clock, 'monotonicMs'>,
  tell: (done: number, total: number | undefined) => void = () => {},
): Progress {
  const started = clock.monotonicMs();
  let last = bar ? Number.NEGATIVE_INFINITY : started;
  let drawn = false;
  let warned = false;

  return {
    report(done, total, fields) {
      // Types don't hold who calls it from JavaScript, or with what a database answers as text; and how far a job is decides nothing.
      if (!isCount(done) || !(total === undefined || isCount(total))) {
        if (!warned)
          log.warn('ctx.progress(done, total) takes two numbers from 0 on; what else it was given is not told');
        warned = true;
        return;
      }
      tell(done, total);
      const complete = total !== undefined && done >= total;
      const now = clock.monotonicMs();
      if (!complete && now - last < (bar ? BAR_INTERVAL_MS : LINE_INTERVAL_MS)) return;
      last = now;
      if (bar) {
        drawn = true;
        bar.draw(done, total, now - started);
      } else {
        const percent = total ? { percent: Math.floor((100 * done) / total) } : {};
        log.info('progress', { done, ...(total !== undefined && { total }), ...percent, ...fields });
      }
    },
    end() {
      if (drawn) bar?.wipe();
      drawn = false;
    },
  };
}

const isCount = (given: unknown): boolean => typeof given === 'number' && Number.isFinite(given) && given >= 0;
