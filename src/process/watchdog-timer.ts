// Inside the watchdog's thread: waits for the end of the time it was given, then speaks for the run and kills the process. Whether the event
// loop is blocked it learns from the pulse that an event loop that turns gives back.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { LOCK_LOST_GRACE_MS, LOSS_LIMIT_MS } from '../runner/grace.ts';
import type { LastWords } from '../runner/ports.ts';
import { systemClock } from './clock.ts';
import { EndClaim } from './end-claim.ts';
import { onFatalReport } from './fatal-report.ts';
import { type LockProof, LockWatch } from './lock-watch.ts';
import { Pulse } from './pulse.ts';
import { type Speech, speakFor, speakOfExhaustion } from './speech.ts';
import { type Arm, PULSE, type WatchdogData } from './watchdog.ts';

/** How often the pulse is felt while a lock is held, in milliseconds. */
const BEAT_MS = 1_000;

/** How long an event loop that turns may take to give the pulse back, in milliseconds, once the time is up. */
const LAST_PULSE_MS = 500;

/** From when on an event loop that doesn't turn counts as blocked, in milliseconds: on a busy machine it may only be late. */
const BLOCKED_MS = 2_000;

/** How long a run that says itself how it ends, just when its time is up, may take until it says what comes next or is gone, in milliseconds. */
const OWN_WORDS_MS = 1_000;

/** What the thread does through PostgreSQL and HTTP. */
export interface Outside {
  readonly closeRecord: Speech['closeRecord'];
  readonly sendAll: Speech['sendAll'];
  readonly proveLock: LockProof;
}

/** Listens to the main thread, for as long as that lives. */
export function watch(port: MessagePort, data: WatchdogData, { closeRecord, sendAll, proveLock }: Outside): void {
  const { monotonicMs } = systemClock;
  const pulse = new Pulse(() => port.postMessage(PULSE), monotonicMs);
  const lock = new LockWatch(proveLock, { checkMs: data.lockCheckMs, monotonicMs });
  const claim = new EndClaim(data.endClaim);
  const speech: Speech = { ...data, closeRecord, sendAll };
  let armed: { readonly at: number; readonly lastWords: LastWords } | undefined;
  /** How long the process may live once the lock is lost: a run that has heard of it says so by arming, and has time to tell. */
  let lossLimitMs = Math.min(data.graceMs, LOCK_LOST_GRACE_MS);
  let timer: NodeJS.Timeout | undefined;
  let _beat: NodeJS.Timeout | undefined;

  const schedule = () => {
    clearTimeout(timer);
    if (armed === undefined) return;
    // Once the lock is lost no other time counts, whatever the run is doing by then.
    const lossAt = (lock.lostAt ?? Number.POSITIVE_INFINITY) + lossLimitMs;
    // A run whose event loop turns again sees for itself that it is cancelled, and arms anew.
    const cancelledAt = (lock.cancelled?.at ?? Number.POSITIVE_INFINITY) + data.graceMs;
    const at = Math.min(armed.at, lossAt, cancelledAt);
    timer = setTimeout(() => void end(), Math.max(0, at - monotonicMs()));
  };
  const end = async () => {
    if (armed === undefined) return;
    const { lastWords } = armed;
    const early = lock.cancelled !== undefined && lock.lostAt === undefined && monotonicMs() < armed.at;
    await feelLastPulse(() => armed?.lastWords === lastWords && !lastWords.lockLost && lock.lostAt === undefined);
    // What the run has said meanwhile gives it its own time.
    if (armed.lastWords !== lastWords) return schedule();
    if (early && pulse.missingMs === 0) {
      lock.trust();
      return schedule();
    }
    let mine = claim.take(lastWords.ended ? 'ending' : 'working');
    if (!mine) {
      await sleep(lastWords.lockLost ? LAST_PULSE_MS : OWN_WORDS_MS);
      if (armed.lastWords !== lastWords) return schedule();
      mine = claim.takeOver();
    }
    // It is being said already: by this very function, which kills then, or of a heap that is exhausted, which ends the process by itself.
    if (!mine) return;
    const { cancelled } = lock;
    const findings = {
      blocked: pulse.missingMs > 0,
      lockLost: lock.lostAt !== undefined,
      cancelled: cancelled?.cancellation,
    };
    await speakFor(lastWords, findings, speech).catch(() => undefined);
    process.kill(process.pid, 'SIGKILL');
  };
  /** Waits for the event loop while it may only be late, and gives one that turns again the time to speak for itself. */
  const feelLastPulse = async (hasTime: () => boolean) => {
    pulse.feel();
    await sleep(LAST_PULSE_MS);
    let late = pulse.missingMs > 0;
    while (late && hasTime() && pulse.missingMs < BLOCKED_MS) {
      late = pulse.missingMs > 0;
      await sleep(LAST_PULSE_MS);
    }
  };
  const onBeat = async () => {
    pulse.feel();
    const lastWords = armed?.lastWords;
    if (!lastWords?.locked || !data.databaseUrl || lock.lostAt !== undefined) return;
    if (pulse.missingMs < BEAT_MS) {
      const wasCancelled = lock.cancelled !== undefined;
      lock.trust();
      if (wasCancelled) schedule();
      return;
    }
    if (await lock.mustEnd(lastWords.account, pulse.missingMs)) schedule();
  };

  port.on('message', (message: Arm | typeof PULSE) => {
    if (message === PULSE) return pulse.felt();
    armed = { at: monotonicMs() + message.inMs - LAST_PULSE_MS, lastWords: message.lastWords };
    if (lock.lostAt !== undefined) lossLimitMs = LOSS_LIMIT_MS;
    _beat ??= setInterval(() => void onBeat(), BEAT_MS);
    schedule();
  });
  if (data.fatalReport) {
    onFatalReport(data.fatalReport, () => {
      if (armed && claim.takeOver()) speakOfExhaustion(armed.lastWords, speech);
    });
  }
}
