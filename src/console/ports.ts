// What the console needs from outside: what there is to see, who may see it, and what may be done.
import type { Crowding, JobRecords, RecentRun, RunRecord, RunRecords } from '../app/console/open.ts';
import type { Seen } from '../app/console/seen.ts';
import type { Freshness, Listener, LiveRun, Picture } from '../app/console/watch.ts';
import type { Attempt as Attempted } from '../runner/ports.ts';

export type { Attempted, Crowding, Freshness, JobRecords, LiveRun, Picture, RecentRun, RunRecord, RunRecords, Seen };

/** What there is to see. Every promise rejects with one of our errors when the database can't be reached and nothing is known. */
export interface Sight {
  /** All names, not older than this where the database answers. */
  picture(maxAgeMs?: number): Promise<Picture>;
  readonly freshness: Freshness;
  /** Calls back with the names that have changed, or undefined for all; until the returned function is called. */
  onChange(listener: Listener): () => void;
  /** @param now by the database's clock */
  job(name: string, now: Date): Promise<JobRecords>;
  run(id: string): Promise<RunRecords | undefined>;
  /** Ids of runs that begin or end like this. */
  find(part: string): Promise<string[]>;
  readonly maxConcurrentJobs: number;
  crowding(now: Date): Promise<Crowding>;
  /** Resolves when the database answers and its schema is known. */
  ready(): Promise<void>;
}

/** What may be done, where anything may. Each is written down with who did it. */
export interface Actions {
  pause(name: string, asked: { who: string; why: string; until: Date | undefined }): Promise<void>;
  resume(name: string, who: string): Promise<boolean>;
  cancel(run: RunRecord, asked: { who: string; why: string | undefined }): Promise<boolean>;
}

/** How the console is set up. */
export interface ConsoleOptions {
  readonly version: string;
  readonly sight: Sight;
  /** Absent where nothing may be done. */
  readonly actions?: Actions;
  readonly access: AccessOptions;
  /** Of a trace; `{traceId}` stands for its id. */
  readonly traceUrl?: string;
  readonly log: { info(message: string): void; warn(message: string): void; error(message: string): void };
  /** Hides secrets in what a person writes. */
  readonly redact: (text: string) => string;
}

/** Who gets in. */
export interface AccessOptions {
  /** Whether we listen on a loopback address only. */
  readonly loopback: boolean;
  readonly token?: string;
  /** The addresses of proxies that have asked already who it is: of one address, or with a prefix such as 10.0.0.0/8. */
  readonly trustedProxies: readonly string[];
  /** The headers in which they say who it is; the first that is there counts. */
  readonly identityHeaders: readonly string[];
  /** Who acts where nobody says who it is. */
  readonly localUser: string;
  /** Who may act, of those that a proxy names; all of them unless given. */
  readonly actors?: readonly string[];
}
