// Notices whether others write to the database, so that the job can give way to them.

/** What is known of the writing of others. */
export interface Traffic {
  /** Whether others write so much that they'd feel long batches; true until that is known. */
  readonly busy: boolean;
  /** Whether that is known. */
  readonly known: boolean;
  /** Tells the number of the next transaction id, as it is now. */
  see(nextXid: bigint): void;
  /** Tells that a transaction of this job has had an id of its own, whether it was committed or rolled back. */
  ownTransaction(): void;
  /** Like `see`, after a transaction of this job that took nobody knows how many ids: what has happened since the last look isn't judged. */
  skipTo(nextXid: bigint): void;
}

/** Fewer writing transactions per second of others than this are nobody that waits. Other shards' long batches are below it too. */
const BUSY_PER_SECOND = 100;
/** A rate over less than this is chance. */
const WINDOW_MS = 100;
/** The first judgement may come sooner, and be wrong sooner: until it has come, nobody knows whether to give way. */
const FIRST_WINDOW_MS = 25;

/**
 * Every transaction that writes takes the next id, whatever its role and database: how far the counter has moved, less our own, is how
 * much others write. It takes no rights, and costs nothing to read.
 */
export function watchTraffic(now: () => number): Traffic {
  let seen: { xid: bigint; at: number } | undefined;
  let watchedMs = 0;
  let others = 0;
  // To begin with care costs a moment; to begin without costs those who write.
  let busy = true;
  let known = false;
  return {
    get busy() {
      return busy;
    },
    get known() {
      return known;
    },
    see(nextXid) {
      const at = now();
      if (seen) {
        watchedMs += at - seen.at;
        others += Number(nextXid - seen.xid);
      }
      seen = { xid: nextXid, at };
      if (watchedMs < (known ? WINDOW_MS : FIRST_WINDOW_MS)) return;
      known = true;
      busy = (others * 1_000) / watchedMs > BUSY_PER_SECOND;
      watchedMs = 0;
      others = 0;
    },
    ownTransaction() {
      others -= 1;
    },
    skipTo(nextXid) {
      seen = { xid: nextXid, at: now() };
    },
  };
}
