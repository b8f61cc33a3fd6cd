// What a program is told about its run: variables that begin with RUN_JOB_, and the trace that it may continue.
import { devNull } from 'node:os';
import { ConfigError } from '../../errors.ts';
import type { ProgramRun } from '../../runner/ports.ts';

/**
 * The variables that tell of the run. Those that don't apply are absent.
 * @throws {ConfigError} two parameters would be the same variable
 */
export function variablesOf(run: ProgramRun): Record<string, string> {
  return {
    RUN_JOB_RUN_ID: run.runId,
    RUN_JOB_NAME: run.name,
    RUN_JOB_ATTEMPT: String(run.attempt),
    RUN_JOB_SCHEDULED_AT: run.scheduledAt.toISOString(),
    RUN_JOB_DEADLINE: run.deadline.toISOString(),
    // Empty counts as false in every shell: [ -n "$RUN_JOB_DRY_RUN" ].
    RUN_JOB_DRY_RUN: run.dryRun ? 'true' : '',
    RUN_JOB_SHARD_INDEX: String(run.shard.index),
    RUN_JOB_SHARD_COUNT: String(run.shard.count),
    RUN_JOB_FENCE: String(run.fence),
    ...paramVariables(run.params),
  };
}

/** What is said of the pod and of the schedule that it was started by: a run that a program starts would take it for its own. */
const OF_THE_POD = /^RUN_JOB_(?:SHUTDOWN_URLS|SCHEDULE|TIME_ZONE|CATCH_UP)$/;

/** What a program of another run is told, and this one may not be. */
const OF_ONE_RUN = /^RUN_JOB_(?:PARAM_.*|RESULT_FILE|PROGRESS_FILE|CHECKPOINT_FILE)$/;

/**
 * What a program inherits of our environment. A run that it starts must neither end the pod's sidecars, nor write the pod's termination message, nor
 * have our schedule. Where we are the program of a run ourselves, its files and parameters are not of this run.
 */
export function inherited(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isProgram = env.RUN_JOB_EXEC_ID !== undefined;
  const kept = Object.entries(env).filter(([name]) => !OF_THE_POD.test(name) && !(isProgram && OF_ONE_RUN.test(name)));
  return { ...Object.fromEntries(kept), RUN_JOB_TERMINATION_LOG: devNull };
}

/**
 * What RUN_JOB_EXEC_ID begins with for each program of this run. Where we are a program of another run, it begins with what that one gave us, so that the
 * other run finds our programs as it finds us. Anything but our own ids is passed over: who belongs to a run and is killed is found by it.
 */
export function execIdPrefix(runId: string, { RUN_JOB_EXEC_ID: outer = '' }: NodeJS.ProcessEnv): string {
  return /^[0-9a-f-]+(?:\/[0-9a-f-]+)*$/.test(outer) ? `${outer}/${runId}-` : `${runId}-`;
}

/**
 * Each parameter by its name in capitals, and all of them as JSON. Text is given as it is, everything else as JSON.
 * @throws {ConfigError} two of them have the same name in capitals
 */
function paramVariables(params: unknown): Record<string, string> {
  const variables: Record<string, string> = { RUN_JOB_PARAMS: toJson(params) || '{}' };
  if (typeof params !== 'object' || params === null) return variables;
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    const key = `RUN_JOB_PARAM_${variableName(name)}`;
    const other = names.get(key);
    if (other !== undefined)
      throw new ConfigError(
        `The parameters ${other} and ${name} are both ${key} to a program: name one of them otherwise`,
      );
    names.set(key, name);
    // As JSON has it: of a date the text.
    const json = toJson(value);
    variables[key] = typeof value === 'string' ? value : json.startsWith('"') ? (JSON.parse(json) as string) : json;
  }
  return variables;
}

/** `olderThan` and `older-than` become OLDER_THAN, as a shell can name it. */
function variableName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => toPlain(item)) ?? '';
}

/** What a schema can make of a parameter and JSON doesn't have. */
function toPlain(item: unknown): unknown {
  if (typeof item === 'bigint') return item.toString();
  if (item instanceof Set) return [...item];
  return item instanceof Map ? Object.fromEntries(item) : item;
}
