// What people and schedules have decided of a name and of a run, as a run sees it when it asks for its lock.
/** A name isn't to run. */
export interface Pause {
  readonly since: Date;
  /** When it ends by itself; until somebody resumes the name unless said. */
  readonly until?: Date;
  readonly why: string;
  /** Who paused it, as far as that can be told. */
  readonly by?: string;
  /** Of a pause that no person made: how many runs had failed in a row. */
  readonly failures?: number;
}

/** Somebody wants a run to end. */
export interface Cancellation {
  readonly by?: string;
  readonly why?: string;
}

/** What a run comes after; `After`, as it is kept. */
export interface Dependency {
  readonly name: string;
  readonly slot: 'same' | 'latest';
  /** How long it is waited for, in milliseconds; as long as for the lock unless said. */
  readonly withinMs?: number;
}

/** What the schedule that is in force says of whether its runs may begin. */
export interface Rules {
  /** When slots are skipped, as it is kept; the port `Calendar` reads it. */
  readonly blackouts?: unknown;
  /** The zone that blackouts are in unless they say otherwise. */
  readonly timeZone: string;
  readonly after: readonly Dependency[];
  /** After so many failures in a row the name is paused. */
  readonly pauseAfter?: number;
}

/** All of it that is in force now. */
export interface Decisions {
  readonly pause?: Pause;
  readonly cancellation?: Cancellation;
  /** Absent where there is no schedule of the name. */
  readonly rules?: Rules;
}

/** The slot that a run comes after, and what has become of it. */
export interface Unmet {
  readonly name: string;
  /** Absent where the name has no slot yet. */
  readonly scheduledAt?: Date;
  /** The status of its newest run; absent where none has begun. */
  readonly status?: string;
  /** How long it may be waited for, in milliseconds; as for the lock unless said. */
  readonly withinMs?: number;
}

export function tellPause({ since, until, why, by, failures }: Pause): string {
  const whom = failures === undefined && by !== undefined ? ` by ${by}` : '';
  const end = until === undefined ? '' : ` until ${until.toISOString()}`;
  return `the name is paused${whom} since ${since.toISOString()}${end}: ${why}`;
}

export function tellCancellation({ by, why }: Cancellation): string {
  return `The run was cancelled${by === undefined ? '' : ` by ${by}`}${why === undefined ? '' : `: ${why}`}`;
}

export function tellUnmet({ name, scheduledAt, status }: Unmet): string {
  if (scheduledAt === undefined) return `${name} has no slot yet that could have succeeded`;
  const slot = `${name} of ${scheduledAt.toISOString()}`;
  return `${slot} hasn't succeeded (${status === undefined ? 'no run of it has begun' : `its newest run: ${status}`})`;
}
