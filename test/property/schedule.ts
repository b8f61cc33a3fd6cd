// Random schedules: what is started, and what happens to it. A seed gives the same schedule on any machine.
import { type Random, randomFrom } from '../jobs/database_cleanup/property/random.ts';

const NAMES = ['alpha', 'beta'] as const;

/** How the work behaves; test/property/work.ts has it. */
export type Way = 'works' | 'ignores' | 'blocks' | 'blocks_late' | 'flaky' | 'throws' | 'exits' | 'rejects';

/** What does the work: a job in TypeScript, one that commits its work in PostgreSQL, or a program under `run-job exec`. */
export type Kind = 'job' | 'table' | 'program';

/** Where a run has its slot from: `--scheduled-at`, the name of a CronJob's Job, the uid of a Job of no CronJob, or nowhere. */
export type ScheduledBy = 'flag' | 'cronjob' | 'uid' | 'start';

/** A run as it is started. */
export interface Start {
  readonly name: (typeof NAMES)[number];
  readonly kind: Kind;
  readonly scheduledBy: ScheduledBy;
  /** Which of a few slots; those of `flag` and `cronjob` are the same. */
  readonly slot: number;
  readonly shard: { readonly index: number; readonly count: number };
  readonly locked: 'skip' | 'fail' | 'wait';
  readonly forced: boolean;
  readonly timeoutMs: number;
  readonly way: Way;
  /** How long the work takes; of `blocks`, how long the event loop is blocked after a moment. */
  readonly workMs: number;
}

/** A step follows the one before it: after so long, or so long after its run's job has begun (a few seconds are waited for that). */
export type Step = { readonly afterMs: number } & (
  | { readonly kind: 'start'; readonly run: number; readonly start: Start }
  /** Another pod of the same Job, once the one before it has ended. */
  | { readonly kind: 'retry'; readonly run: number; readonly of: number }
  | { readonly kind: 'kill' | 'term'; readonly run: number; readonly begun: boolean }
  /** Its connections are reset, and new ones refused for a while. */
  | { readonly kind: 'cut'; readonly run: number; readonly begun: boolean; readonly forMs: number }
  /** Nothing passes any more, and nobody is told: long enough for the run to notice, then the server gives up. */
  | { readonly kind: 'partition'; readonly run: number; readonly begun: boolean }
  | { readonly kind: 'restart'; readonly mode: 'fast' | 'immediate'; readonly forMs: number }
  | { readonly kind: 'unlock'; readonly name: Start['name'] }
);

/** What is to happen, in order. */
export interface Schedule {
  /** WORKER_MAX_CONCURRENT_JOBS of every run. */
  readonly limit: number;
  readonly steps: readonly Step[];
}

/** The schedule of a seed. */
export function scheduleOf(seed: number): Schedule {
  const random = randomFrom(seed);
  const steps: Step[] = [];
  const length = 8 + random.below(9);
  let runs = 0;
  while (steps.length < length) {
    const afterMs = random.chance(0.4) ? 0 : random.below(600);
    const starts = runs === 0 || random.chance(0.5);
    const step = starts ? anotherStart(random, runs) : disturbance(random, runs);
    if (starts || step.kind === 'retry') runs += 1;
    steps.push({ ...step, afterMs });
  }
  return { limit: random.chance(0.2) ? 2 : 10, steps };
}

type Untimed = Step extends infer S ? (S extends Step ? Omit<S, 'afterMs'> : never) : never;

function anotherStart(random: Random, run: number): Untimed {
  return { kind: 'start', run, start: start(random) };
}

const WAYS: readonly Way[] = [
  ...Array<Way>(8).fill('works'),
  ...Array<Way>(4).fill('ignores'),
  ...(['blocks', 'blocks', 'blocks_late', 'flaky', 'flaky', 'throws', 'exits', 'rejects'] as const),
];

function start(random: Random): Start {
  const kind = random.pick(['job', 'job', 'table', 'program'] as const);
  const drawn = random.pick(WAYS);
  // A program that exits with 0 says that it has done its work.
  const way = kind === 'program' && drawn === 'exits' ? 'throws' : drawn;
  // Some block for so long that only the watchdog can end them in time.
  const longest = way === 'blocks' && random.chance(0.3) ? 14_000 : way === 'ignores' ? 4_000 : 1_500;
  const count = random.pick([1, 1, 1, 2, 3]);
  return {
    name: random.chance(0.7) ? 'alpha' : 'beta',
    kind,
    scheduledBy: random.pick(['flag', 'flag', 'cronjob', 'uid', 'start']),
    slot: random.below(3),
    shard: { index: random.below(count), count },
    locked: random.pick(['wait', 'wait', 'wait', 'skip', 'fail']),
    forced: random.chance(0.05),
    timeoutMs: random.chance(0.15) ? 500 : 30_000,
    way,
    workMs: 50 + random.below(longest),
  };
}

function disturbance(random: Random, runs: number): Untimed {
  const run = random.below(runs);
  const begun = random.chance(0.75);
  switch (random.below(12)) {
    case 0:
    case 1:
      return { kind: 'kill', run, begun };
    case 2:
    case 3:
      return { kind: 'term', run, begun };
    case 4:
    case 5:
      return { kind: 'cut', run, begun, forMs: random.below(2_500) };
    case 6:
      return random.chance(0.3) ? { kind: 'partition', run, begun } : { kind: 'cut', run, begun, forMs: 0 };
    case 7:
      return { kind: 'restart', mode: random.pick(['fast', 'immediate']), forMs: random.below(3_000) };
    case 8:
    case 9:
      return { kind: 'unlock', name: random.chance(0.7) ? 'alpha' : 'beta' };
    default:
      return { kind: 'retry', run: runs, of: run };
  }
}

/** The schedule, a line a step. */
export function tellSchedule({ limit, steps }: Schedule): string {
  return [`at most ${limit} at once`, ...steps.map((step) => JSON.stringify(step))].join('\n');
}
