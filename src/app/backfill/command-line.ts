// The command line of a run for a slot: what the schedule that was in force says of it.
import { UsageError } from '../../errors.ts';
import type { Connection } from '../../postgres/connect.ts';
import { newestOrder } from '../../postgres/reruns.ts';
import { BY_RUN, type Schedule } from '../../postgres/schedules.ts';
import type { Ordered } from '../../runner/ports.ts';
import { REDACTED } from '../../runner/redact.ts';
import { argumentsOf } from '../job-manifest.ts';
import { asJobName } from '../known-names.ts';

/** What run-job is called with, in two halves between which flags of ours go. */
export interface CommandLine {
  readonly flags: readonly string[];
  /** Of a command: the two dashes, the program and its arguments. */
  readonly program: readonly string[];
}

/**
 * The command lines of these schedules.
 * @param given parameters that somebody says on the command line of the backfill, as `key=value`
 * @throws {UsageError} nobody has told what its runs are called with, or it holds a secret that no record keeps
 */
export async function commandLines(
  connection: Connection,
  schedules: readonly Schedule[],
  given: readonly string[],
): Promise<Map<string, CommandLine>> {
  const lines = new Map<string, CommandLine>();
  for (const schedule of schedules) {
    if (lines.has(schedule.id)) continue;
    const args = schedule.args ?? (await argumentsBy(connection, schedule, given));
    const end = args.indexOf('--');
    const flags = end === -1 ? args : args.slice(0, end);
    lines.set(schedule.id, {
      // What a slot is run with says for itself that it waits.
      flags: [
        ...flags.filter((flag) => flag !== '--locked=wait'),
        ...nameFor(schedule, flags),
        ...given.map((pair) => `--param=${pair}`),
      ],
      program: end === -1 ? [] : args.slice(end),
    });
  }
  return lines;
}

/** The command line of one slot. It waits for its lock, whatever the schedule's runs do. */
export const lineFor = ({ flags, program }: CommandLine, slot: Date): string[] => [
  ...flags,
  `--scheduled-at=${slot.toISOString()}`,
  '--locked=wait',
  ...program,
];

/** The name goes by what the schedule is of. */
function nameFor({ name }: Schedule, flags: readonly string[]): string[] {
  const own = flags[0] === 'exec' ? flags[1] : asJobName(flags[0] ?? '');
  return own === name || flags.some((flag) => flag === '--as' || flag.startsWith('--as=')) ? [] : [`--as=${name}`];
}

async function argumentsBy(connection: Connection, schedule: Schedule, given: readonly string[]): Promise<string[]> {
  const { name, job, params, timeoutMs, source } = schedule;
  // A run that brings its schedule tells nothing of what it is called with; its record does.
  const ordered: Ordered | undefined = source === BY_RUN ? await newestOrder(connection, name) : undefined;
  const told = ordered ?? { params };
  const changed = new Set(given.map((pair) => pair.split('=', 1)[0]));
  const kept = <T>(values: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => !changed.has(key)));
  const json = kept(told.params);
  const pairs = kept(told.pairs);
  refuseSecrets(name, { ...json, ...pairs }, told);
  const limit = told.timeoutMs ?? timeoutMs;
  return argumentsOf({
    job,
    ...(told.command && { command: told.command }),
    params: { json, pairs: new Map(Object.entries(pairs)) },
    ...(limit !== undefined && { timeoutMs: limit }),
    ...(told.attempts !== undefined && { attempts: told.attempts }),
    dryRun: false,
    locked: 'wait',
    forced: false,
    restart: false,
  });
}

function refuseSecrets(name: string, params: Record<string, unknown>, { command }: Ordered): void {
  const holdsSecret = (value: unknown) => JSON.stringify(value)?.includes(REDACTED) ?? false;
  const secret = Object.keys(params).filter((key) => holdsSecret(params[key]));
  if (secret.length > 0) {
    throw new UsageError(
      `${secret.join(', ')} of ${name} holds a secret, which no record keeps: give it by ${secret.map((key) => `--param ${key}=…`).join(' ')}`,
    );
  }
  if (command && holdsSecret([command.program, ...command.args])) {
    throw new UsageError(
      `the command line of ${name} holds a secret, which no record keeps: tell of the schedule with its args by run-job schedules apply`,
    );
  }
}
