// The lock's part in a run: take it, wait for it, or say why not.
import { isPassing } from '../errors.ts';
import type { Refusal } from './admission.ts';
import { type Decisions, tellUnmet, type Unmet } from './decisions.ts';
import { EXIT, type Outcome } from './outcome.ts';
import type { Holder, Lease, LockResult, RunLog } from './ports.ts';
import type { LockedPolicy } from './request.ts';
import type { Stop } from './stop.ts';
import type { Waiting } from './waiting.ts';

export interface LockingOptions {
  readonly policy: LockedPolicy;
  /** Most runs at once, of all names. */
  readonly limit: number;
  readonly stop: Stop;
  readonly log: RunLog;
  readonly waiting: Waiting;
  /** What keeps the run from beginning although the lock is free, or whether it is. */
  readonly admit: (decisions: Decisions, lease: Lease | undefined) => Promise<Refusal | undefined>;
  /** How the slot that the run comes after is waited for. */
  readonly waitForSlot: (unmet: Unmet) => Waiting;
  readonly acquire: () => Promise<LockResult>;
}

/**
 * The lease, or the outcome of a run that didn't get it. Waiting is polling: a statement that waits inside PostgreSQL would need a
 * connection, and hold a snapshot, and so hold back VACUUM, for as long as it waits.
 * @throws what `acquire` throws, or the cause when the run is asked to stop
 */
export async function takeLock(options: LockingOptions): Promise<Lease | Outcome> {
  const { policy, limit, stop, log, waiting, acquire } = options;
  for (;;) {
    const result = await whenThereIsRoom(waiting, async () => {
      const pending = acquire();
      // A lock that arrives after the run has been told to stop is given back at once.
      return stop.race(pending).catch((error: unknown) => {
        pending.then((late) => (late.held ? late.lease.release() : undefined)).catch(() => undefined);
        throw error;
      });
    });
    const lease = result.held ? result.lease : undefined;
    const refusal = await admitted(options, result.decisions, lease);
    if (refusal?.kind === 'skipped') {
      const { reason, why } = refusal.outcome;
      log.warn(`skipped: ${why}`, { reason });
      return refusal.outcome;
    }
    if (refusal?.kind === 'early') {
      const why = tellUnmet(refusal.unmet);
      const after = { reason: 'after', after: refusal.unmet.name } as const;
      if (await options.waitForSlot(refusal.unmet).again(why, { after: after.after }, after)) continue;
      log.warn(`skipped: ${why}`, after);
      return { status: 'skipped', exitCode: EXIT.locked, reason: 'after', why };
    }
    if (result.held) return result.lease;
    const fields = { reason: result.reason, holder: result.holder };
    const why = tellWhy(result, limit);
    const { runId: holder } = result.holder ?? {};
    if (await waiting.again(why, fields, { reason: result.reason, ...(holder !== undefined && { holder }) })) continue;
    log.warn(`skipped: ${why}`, fields);
    // Who said that a held lock is to be skipped said nothing of places: then nobody does this work.
    const asked = policy === 'skip' && result.reason === 'locked';
    return { status: 'skipped', exitCode: asked ? EXIT.ok : EXIT.locked, reason: result.reason, why };
  }
}

/** A run that doesn't begin now gives its lock back. */
async function admitted(
  { admit }: LockingOptions,
  decisions: Decisions,
  lease: Lease | undefined,
): Promise<Refusal | undefined> {
  let admitted = false;
  try {
    const refusal = await admit(decisions, lease);
    admitted = refusal === undefined;
    return refusal;
  } finally {
    if (!admitted) await lease?.release();
  }
}

/**
 * What `ask` gives; while what it asks is full or just starting, it is asked again.
 * @throws what `ask` throws, in the end
 */
export async function whenThereIsRoom<T>(waiting: Waiting, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || !(await waiting.again((error as Error).message, {}))) throw error;
    }
  }
}

function tellWhy({ reason, holder }: Extract<LockResult, { held: false }>, limit: number): string {
  if (reason === 'limit')
    return `${limit === 1 ? '1 run is' : `${limit} runs are`} under way, as many as WORKER_MAX_CONCURRENT_JOBS allows`;
  return `another run of this job holds its lock${holder ? ` (${tellHolder(holder)})` : ''}`;
}

function tellHolder({ runId, place, since }: Holder): string {
  return [
    runId && `run ${runId}`,
    place?.podName ? `pod ${place.podName}` : place?.host && `host ${place.host}`,
    since && `since ${since.toISOString()}`,
  ]
    .filter(Boolean)
    .join(', ');
}
