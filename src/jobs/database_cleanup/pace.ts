// How large a table's batches are, and how long the rest after each: shorter batches and longer rests while others write.
import { setTimeout as sleep } from 'node:timers/promises';
import { adaptiveBatchSize } from './batch-size.ts';
import { nextXid } from './transaction.ts';
import type { Work } from './work.ts';

/** While others write, no batch is longer than they notice, and each is followed by a rest of so many times its length. */
const GIVING_WAY_TARGET_MS = 2;
const GIVING_WAY_REST = 9;
/**
 * A commit alone may take longer than that. Up to so long a batch isn't made smaller than so many rows: it would hurt others no less,
 * and never be done.
 */
const GIVING_WAY_LEAST = { ms: 20, rows: 250 };

/**
 * Where a child has to be read through, it is so once a batch by us and once a row by PostgreSQL's own check: few rows take long, and
 * in batches of fewer the reading of ours would count.
 */
const SCANNED = { first: 200, least: 50 };

/** The pace of one table's batches. */
export interface Pace {
  /** The size of the next batch, in rows. */
  readonly rows: number;
  /** Learns from how long a batch took, and how many rows it deleted, and rests as long as others are owed. */
  afterBatch(tookMs: number, deleted: number): Promise<void>;
}

/**
 * @param most the most rows of a batch
 * @param scans whether each batch reads a child through
 */
export function startPace({ ctx, traffic }: Work, { most, scans }: { most: number; scans: boolean }): Pace {
  const { params, signal, log } = ctx;
  const first = scans ? Math.min(params.batchSize, SCANNED.first) : params.batchSize;
  const size = adaptiveBatchSize({ first, most });
  const least = scans ? SCANNED.least : 1;
  return {
    get rows() {
      return size.rows;
    },
    async afterBatch(tookMs, deleted) {
      // To rest for nobody would cost more than to ask.
      const xid = params.giveWay && !traffic.known ? await nextXid(ctx).catch(() => undefined) : undefined;
      if (xid !== undefined) traffic.see(xid);
      const giveWay = params.giveWay && traffic.busy;
      if (giveWay) {
        const leastNow = tookMs < GIVING_WAY_LEAST.ms ? GIVING_WAY_LEAST.rows : least;
        const targetMs = Math.min(GIVING_WAY_TARGET_MS, params.batchTarget);
        size.took({ ms: tookMs, targetMs, least: leastNow, deleted });
        log.debug('giving way', { tookMs });
      } else {
        size.took({ ms: tookMs, targetMs: params.batchTarget, least, deleted });
      }
      const restMs = Math.max(params.pause, giveWay ? tookMs * GIVING_WAY_REST : 0);
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
    },
  };
}
