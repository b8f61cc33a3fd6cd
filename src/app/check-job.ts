// Whether what a file exports is a job that can be run.

import { LONGEST_TIMEOUT_MS, parseDuration } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { type After, type CheckpointSchema, isJob, type Job, type Need, type ParamsSchema } from '../job.ts';
import { didYouMean } from './suggest.ts';

const NEEDS: readonly Need[] = ['postgres', 'rabbitmq'];

/**
 * The job, if it is one, under the name of its file.
 * @throws {ConfigError} it isn't a job, has another name, no run function, or times or needs that can't be
 */
export function checkJob(value: unknown, { name, path }: { name: string; path: string }): Job {
  if (!isJob(value)) {
    throw new ConfigError(
      `${path} has no job as its default export; write export default defineJob({ name: '${name}', … })`,
    );
  }
  if (value.name !== name) {
    throw new ConfigError(`${path} defines a job named ${value.name}; name the job and its file the same`);
  }
  if (typeof value.description !== 'string') {
    throw new ConfigError(`${path} defines a job without a description; add description: 'What it does'`);
  }
  if (typeof value.run !== 'function') {
    throw new ConfigError(`${path} defines a job without a run function; add run(context) { … }`);
  }
  const wrong = [
    ...wrongTimes(value),
    ...wrongNeeds(value),
    ...wrongExclusive(value),
    ...wrongOrder(value),
    ...wrongSchemas(value),
    ...unknownParts(value),
  ];
  if (wrong.length > 0) throw new ConfigError(`${path} ${wrong.join('; ')}`);
  return value;
}

// Types say the same, where a job is written in TypeScript and somebody checks them.

function* wrongTimes({ timeout, retry }: Job): Generator<string> {
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && (!timeoutMs || timeoutMs > LONGEST_TIMEOUT_MS)) {
    yield `has the timeout ${timeout}: write a duration above 0 and at most 23d, like 90s or 30m`;
  }
  if (retry === undefined) return;
  if (typeof retry !== 'object' || retry === null) {
    yield 'has retry set to what is no object: write { attempts: 3 }';
    return;
  }
  if (!Number.isInteger(retry.attempts) || retry.attempts < 1) {
    yield `has retry.attempts ${retry.attempts}: write a whole number of at least 1`;
  }
  for (const name of ['baseDelay', 'maxDelay'] as const) {
    const delay = retry[name];
    if (delay !== undefined && parseDuration(delay) === undefined) {
      yield `has retry.${name} ${delay}, which isn't a duration: write it like 1s or 1m`;
    }
  }
}

function* wrongExclusive({ exclusive, overlap }: Job): Generator<string> {
  if (exclusive !== undefined && typeof exclusive !== 'boolean')
    yield 'has exclusive set to what is neither true nor false';
  if (overlap !== undefined && overlap !== 'slots') yield `has overlap ${overlap}: write 'slots', or leave it out`;
  else if (overlap !== undefined && exclusive)
    yield "is exclusive and has overlap 'slots': one run at a time, or one of each slot";
}

/** What a run can be known by: a CronJob's name, a job's, and whatever else stands in a log or a command without quotes. */
export const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;

function* wrongOrder({ name: own, after, pauseAfter }: Job): Generator<string> {
  if (pauseAfter !== undefined && (!Number.isInteger(pauseAfter) || pauseAfter < 1)) {
    yield `has pauseAfter ${pauseAfter}: write how many failures in a row pause it, at least 1`;
  }
  if (after === undefined) return;
  if (!Array.isArray(after)) {
    yield "has after, which isn't a list: write [{ name: 'extract', slot: 'same' }]";
    return;
  }
  for (const { name, slot, within } of after.map((one: After | null) => one ?? ({} as Partial<After>))) {
    if (typeof name !== 'string' || !NAME.test(name))
      yield 'comes after what has no name: write what its runs are known by';
    else if (name === own) yield 'comes after itself, so that it could never begin';
    if (slot !== 'same' && slot !== 'latest') yield `comes after the slot ${slot} of ${name}: write same or latest`;
    const withinMs = within === undefined ? undefined : parseDuration(within);
    if (within !== undefined && (!withinMs || withinMs > LONGEST_TIMEOUT_MS)) {
      yield `comes after ${name} within ${within}: write a duration above 0 and at most 23d, like 2h`;
    }
  }
}

function* wrongSchemas({ checkpoint, params }: Job): Generator<string> {
  if (params !== undefined && typeof (params as Partial<ParamsSchema> | null)?.['~run'] !== 'function')
    yield 'has params that are no schema: write them with valibot, such as v.object({ to: v.string() })';
  if (checkpoint !== undefined && typeof (checkpoint as Partial<CheckpointSchema>)?.['~run'] !== 'function')
    yield 'has a checkpoint that is no schema: write it with valibot, such as v.object({ lastId: v.number() })';
  for (const [name, schema] of Object.entries({ params, checkpoint })) {
    // What such a schema gives is a promise, which would be taken for a value without issues.
    if ((schema as { async?: boolean } | undefined)?.async === true)
      yield `has ${name} whose schema is asynchronous: write it without objectAsync, pipeAsync and their like`;
  }
}

/** What a job may have, a command's own included. */
const PARTS =
  'name description timeout retry params needs exclusive overlap after pauseAfter checkpoint check run command env cwd exitCodes'.split(
    ' ',
  );

/** A job with a mistyped part would run as if it weren't there: without its timeout, or twice at once. */
function* unknownParts(job: Job): Generator<string> {
  for (const part of Object.keys(job)) {
    if (!PARTS.includes(part)) yield `has ${part}, which no job has${didYouMean(part, PARTS)}`;
  }
  const { command } = job;
  if (command !== undefined && typeof command !== 'function' && !Array.isArray(command))
    yield "has a command that is no list: write ['pg_dump', '--file=/backup/orders.dump']";
}

function* wrongNeeds({ needs }: Job): Generator<string> {
  const unknown = Array.isArray(needs) ? needs.filter((need) => !(NEEDS as readonly string[]).includes(need)) : [needs];
  if (unknown.length > 0) yield `needs ${unknown.join(', ')}: write needs as a list of ${NEEDS.join(' and ')}`;
}
