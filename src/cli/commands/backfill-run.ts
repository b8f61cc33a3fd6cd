// `run-job backfill`: the slots of a span of time that haven't succeeded, here, or as one Job for Kubernetes.
import { commandLines, lineFor, type CommandLine as SlotLine } from '../../app/backfill/command-line.ts';
import { backfillJobOf } from '../../app/backfill/manifest.ts';
import { type Only, type Plan, type PlannedSlot, planBackfill } from '../../app/backfill/plan.ts';
import { work } from '../../app/backfill/work.ts';
import { openChildren } from '../../app/children.ts';
import { nameOf } from '../../app/database-names.ts';
import { findJobFile, type JobSearch, loadJob } from '../../app/job-files.ts';
import { databaseNow } from '../../app/missed-slots.ts';
import { redactorFor } from '../../app/redactor.ts';
import { shellWord } from '../../app/shell-word.ts';
import { findDatabase, type Target } from '../../app/with-database.ts';
import { UsageError } from '../../errors.ts';
import { type Connection, withConnection } from '../../postgres/connect.ts';
import { schedulesInForce } from '../../postgres/schedules.ts';
import { shutDownSidecars } from '../../process/sidecars.ts';
import { EXIT, signalExitCode } from '../../runner/outcome.ts';
import { zoneOf } from '../../schedule/zone.ts';
import { type Invocation, jobSearch } from '../command.ts';
import { asksForHelp, type CommandLine, readArguments } from '../terminal/arguments.ts';
import { readInstant } from '../terminal/instants.ts';
import { sentences } from '../terminal/print.ts';
import { BACKFILL_ARGUMENTS } from './backfill-arguments.ts';
import { tellEnd, tellLeft, tellPlan } from './backfill-lines.ts';
import { cronJobOf } from './cronjob-of.ts';
import { COMMANDS } from './index.ts';

/** More than so many are most often a mistake. */
const ASKS_ABOVE = 10_000;

const STDERR = 2;

/** At most so many at a time: each is a process, and takes a place. */
const MOST_PARALLEL = 100;

/** What is to be done. */
interface Order {
  readonly name: string;
  readonly plan: Plan;
  /** In the order in which they are to be done. */
  readonly slots: readonly PlannedSlot[];
  readonly lines: ReadonlyMap<string, SlotLine>;
  readonly parallel: number;
  /** The command that goes on with the same slots, whenever it is given. */
  readonly again: string;
}

type Args = CommandLine<typeof BACKFILL_ARGUMENTS>;

/**
 * Does the slots, and returns the exit code: 1 where something is left, and that of the signal which ended it.
 * @throws {UsageError | ConfigError | UnavailableError} it can't be known what to do
 */
export async function backfill(rawArgs: readonly string[], invocation: Invocation): Promise<number> {
  const { env, home, stop, output } = invocation;
  if (asksForHelp(rawArgs)) {
    const [{ commandHelp }, { default: command }] = await Promise.all([
      import('../terminal/help.ts'),
      import('./backfill.ts'),
    ]);
    output.print(commandHelp('backfill', command));
    return EXIT.ok;
  }
  const line = readArguments(rawArgs, BACKFILL_ARGUMENTS, 'run-job backfill');
  const { args } = line;
  const target = findDatabase(env, 'backfill');
  const order = await stop.race(
    withConnection(target.server, (connection) => readOrder(connection, line, target, invocation)),
  );
  const { name, plan, slots, again, parallel } = order;
  const say = (text: string) => output.print(sentences(text));
  if (args.emit !== undefined) {
    output.print(`${JSON.stringify(await stop.race(manifestOf(order, args.cronjob)), null, 2)}\n`);
    return EXIT.ok;
  }
  say(tellPlan(name, plan, slots, args['newest-first'] ?? false));
  if (args['dry-run'] || slots.length === 0) return EXIT.ok;
  // Standard output is for what the backfill itself says.
  const children = openChildren({ env, home, stop, stdio: ['ignore', STDERR, STDERR] });
  // Whoever insists isn't kept waiting by what is still to be said.
  stop.lastWords = (signal) => {
    children.kill(signal);
    say(`${name}: ended at once\n`);
    output.print(`To go on: ${again}\n`);
    return signalExitCode(signal);
  };
  const end = await work({
    slots,
    server: target.server,
    parallel,
    children,
    lineFor: ({ at, schedule }) => lineFor(order.lines.get(schedule.id) as SlotLine, at),
    stop,
    onStart: () => undefined,
    onEnd: (ended, place) => say(tellEnd(ended, place, slots.length)),
  });
  say(tellLeft(name, slots.length, end));
  // In one line however long, since it is to be copied.
  if (end.left.length > 0) output.print(`To go on: ${again}\n`);
  await shutDownSidecars(target.config.shutdownUrls);
  if (stop.cause?.kind === 'signal') return signalExitCode(stop.cause.signal);
  return end.left.length > 0 ? EXIT.failed : EXIT.ok;
}

async function readOrder(
  connection: Connection,
  { args, repeated }: Args,
  { config }: Target,
  { env, home }: Invocation,
): Promise<Order> {
  const search = jobSearch({ home, commands: COMMANDS }, config);
  const name = await nameOf(args.name, connection, search);
  const now = await databaseNow(connection);
  const [current] = await schedulesInForce(connection, [name]);
  const zone = zoneOf(current?.timeZone ?? 'Etc/UTC');
  if (args.from === undefined) {
    throw new UsageError(`say where it begins: run-job backfill ${name} --from 7d, or --from 2026-11-23`);
  }
  if (args.cronjob !== undefined && args.emit === undefined) throw new UsageError('--cronjob needs --emit=job');
  const from = readInstant(args.from, { flag: '--from', now, zone, ofDay: 'start' });
  const to = args.to === undefined ? now : readInstant(args.to, { flag: '--to', now, zone, ofDay: 'end' });
  // What is still to come isn't run now, and neither is it when this is given again.
  const until = to < now ? to : now;
  if (from > to) {
    const what = args.to === undefined ? 'now' : '--to';
    throw new UsageError(`--from (${from.toISOString()}) is after ${what} (${to.toISOString()})`);
  }
  if (from > now) {
    throw new UsageError(`--from (${from.toISOString()}) is still to come, and a slot is run when its time has passed`);
  }
  const pairs = repeated.get('param') ?? [];
  const wrong = pairs.find((pair) => !/^[^=]+=/.test(pair));
  if (wrong !== undefined) throw new UsageError(`--param must be key=value, and is ${wrong}`);
  const parallel = readParallel(args.parallel);
  const span = { from, to, only: args.only as Only, currentSchedule: args['current-schedule'] ?? false };
  const plan = await planBackfill(connection, name, span, now);
  const slots = args['newest-first'] ? plan.slots.toReversed() : plan.slots;
  if (slots.length > ASKS_ABOVE && !args.yes && !args['dry-run']) {
    throw new UsageError(
      `these are ${slots.length} slots, more than ${ASKS_ABOVE}: --dry-run lists them, and --yes runs them`,
    );
  }
  const schedules = slots.map(({ schedule }) => schedule);
  if (parallel > 1) {
    for (const job of new Set(schedules.map((schedule) => schedule.job))) await mustOverlap(job, search);
  }
  const lines = args['dry-run'] ? new Map<string, SlotLine>() : await commandLines(connection, schedules, pairs);
  const chosen = [
    ...(args.only === 'all' ? [] : [`--only=${args.only}`]),
    ...(['newest-first', 'current-schedule', 'yes'] as const).flatMap((flag) => (args[flag] ? [`--${flag}`] : [])),
    ...(parallel > 1 ? [`--parallel=${parallel}`] : []),
    ...pairs.map((pair) => `--param=${pair}`),
  ];
  const again = `run-job backfill ${name} --from ${from.toISOString()} --to ${until.toISOString()}`;
  // A parameter may be a secret.
  const words = chosen.map((flag) => shellWord(redactorFor(env).text(flag)));
  return { name, plan, slots, lines, parallel, again: [again, ...words].join(' ') };
}

function readParallel(text: string): number {
  const parallel = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : Number.NaN;
  if (parallel <= MOST_PARALLEL) return parallel;
  throw new UsageError(`--parallel must be a whole number from 1 to ${MOST_PARALLEL}, and is ${text}`);
}

/** The lock would let one run begin at a time, and the others wait for it. */
async function mustOverlap(job: string, search: JobSearch): Promise<void> {
  const why = `--parallel needs a job whose slots may overlap, and ${job}`;
  const file = findJobFile(search, job);
  const { overlap } = await loadJob(search.home, file);
  if (overlap !== 'slots') throw new UsageError(`${why} doesn't say overlap: 'slots'; leave --parallel out`);
}

async function manifestOf({ name, slots, lines, parallel }: Order, path: string | undefined): Promise<object> {
  const [first] = slots;
  if (first === undefined) throw new UsageError(`${name} has no slot to run, so that there is no Job to make`);
  const line = lines.get(first.schedule.id) as SlotLine;
  const { shards } = first.schedule;
  const other = slots.find(
    ({ schedule }) => schedule.shards !== shards || JSON.stringify(lines.get(schedule.id)) !== JSON.stringify(line),
  );
  if (other !== undefined) {
    throw new UsageError(
      `the schedule runs something else from ${other.schedule.validFrom.toISOString()} on, and one Job runs one thing: make one up to there, and one from there on`,
    );
  }
  const { cronJobName, namespace } = first.schedule;
  const cronJob = await cronJobOf(
    path,
    cronJobName === undefined ? undefined : { name: cronJobName, ...(namespace !== undefined && { namespace }) },
    `no CronJob of ${name} is known: give one by kubectl get cronjob <name> -o json | run-job backfill ${name} … --emit=job --cronjob=-`,
  );
  return backfillJobOf(cronJob, { name, slots: slots.map(({ at }) => at), shards, parallel, line });
}
