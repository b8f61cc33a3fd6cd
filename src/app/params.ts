// A job's parameters: from the command line and the environment to what its valibot schema makes of them.
import * as v from 'valibot';
import { ConfigError, UsageError } from '../errors.ts';
import type { ParamsSchema } from '../job.ts';
import { parseStrictJson } from './json-text.ts';
import { describeParams, type ParamInfo } from './param-schema.ts';
import { didYouMean } from './suggest.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The most that all parameters together may hold. */
const MAX_BYTES = 256 * 1024;

/** What the command line says of parameters: `--params` as parsed JSON, and each `--param` as text. */
export interface GivenParams {
  readonly json: Readonly<Record<string, unknown>>;
  readonly pairs: ReadonlyMap<string, string>;
}

/**
 * Reads `--params '<json>'` and each `--param key=value`.
 * @throws {UsageError} either is malformed
 */
export function readParams(jsonTexts: readonly string[], pairTexts: readonly string[]): GivenParams {
  if (jsonTexts.length > 1)
    throw new UsageError('--params may be given only once; use --param key=value for single parameters');
  const bytes = [...jsonTexts, ...pairTexts].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > MAX_BYTES) {
    throw new UsageError(
      `The parameters hold more than ${MAX_BYTES / 1024} KiB; pass large input as a file that the job reads`,
    );
  }
  const pairs = new Map<string, string>();
  for (const text of pairTexts) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError('--param takes key=value, for example --param retentionDays=30');
    const key = text.slice(0, at);
    if (pairs.has(key)) throw new UsageError(`--param ${key} is given twice; give it once`);
    pairs.set(key, text.slice(at + 1));
  }
  return { json: parseJson(jsonTexts[0]), pairs };
}

function parseJson(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = parseStrictJson(text, '--params');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // V8's message quotes the text, which may hold a secret; the position is enough.
    const position = /position \d+/.exec(String(error))?.[0];
    throw new UsageError(
      `--params is not valid JSON${position ? ` (at ${position})` : ''}; quote it as a whole: --params '{"key":"value"}'`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`--params must be a JSON object, for example '{"retentionDays":30}'`);
  }
  return value as Record<string, unknown>;
}

/** valibot leaves these out of a record, without a word. */
const DROPPED = ['__proto__', 'prototype', 'constructor'];

/**
 * The parameters as the job gets them.
 * @throws {UsageError} one is unknown, missing, or not what the schema takes; all problems are told at once
 * @throws {ConfigError} nothing is wrong but what environment variables set
 */
export function validateParams(
  schema: ParamsSchema | undefined,
  given: GivenParams,
  env: Environment,
  job: string,
): unknown {
  const names = [...Object.keys(given.json), ...given.pairs.keys()];
  if (!schema) {
    if (names.length > 0)
      throw new UsageError(`${job} takes no parameters, and got ${names.join(', ')}; leave them out`);
    return {};
  }
  const infos = describeParams(schema);
  const known = infos.map((info) => info.name);
  const problems: string[] = [];
  if (infos.length > 0) {
    for (const name of names) {
      if (!known.includes(name)) {
        problems.push(`${job} has no parameter ${name}${didYouMean(name, known) || '.'} It has ${known.join(', ')}`);
      }
    }
  }
  const input: Record<string, unknown> = { ...given.json };
  const origin = new Map<string, string>();
  for (const info of infos) {
    const pair = given.pairs.get(info.name);
    const fromEnv = info.env ? env[info.env] : undefined;
    if (pair !== undefined) input[info.name] = fromText(info, pair);
    else if (input[info.name] === undefined && fromEnv) {
      input[info.name] = fromText(info, fromEnv);
      origin.set(info.name, `environment variable ${info.env}`);
    }
  }
  if (infos.length === 0) for (const [name, text] of given.pairs) input[name] = text;

  for (const { name, type } of infos) {
    const dropped = DROPPED.find((key) => type === 'record' && Object.hasOwn(Object(input[name]), key));
    if (dropped === undefined) continue;
    problems.push(
      `parameter ${name} can't hold the name ${dropped}, which every object has by itself: write it otherwise`,
    );
  }

  const parsed = v.safeParse(schema, input);
  let typed = problems.length > 0;
  for (const issue of parsed.issues ?? []) {
    const path = v.getDotPath(issue) ?? '';
    const name = path.split('.')[0] ?? '';
    if (name && !known.includes(name) && infos.length > 0) continue;
    typed ||= !origin.has(name);
    problems.push(tellIssue(issue, origin.get(name) ?? `parameter ${path || '(all)'}`));
  }
  if (problems.length > 0) {
    const message = `${problems.join('; ')} (see run-job ${job} --help)`;
    throw typed ? new UsageError(message) : new ConfigError(message);
  }
  return parsed.output;
}

/** The parameters that nobody gave and that the schema computes anew for each run. */
export function passingParams(schema: ParamsSchema | undefined, given: GivenParams, env: Environment): string[] {
  return describeParams(schema)
    .filter(({ fallback }) => typeof fallback === 'function')
    .filter(
      ({ name, env: variable }) => given.json[name] === undefined && !given.pairs.has(name) && !env[variable ?? ''],
    )
    .map(({ name }) => name);
}

/** All that the parameters are made of: what was given, and the variables that stand for some of them. */
export function givenParams(schema: ParamsSchema | undefined, { json, pairs }: GivenParams, env: Environment): unknown {
  const variables = describeParams(schema).flatMap(({ env: name }) => (name && env[name] ? [[name, env[name]]] : []));
  return { ...json, ...Object.fromEntries(pairs), env: Object.fromEntries(variables) };
}

/** The text itself where the schema takes it, else what it is as JSON: `30` is a number for a number, and text for a string. */
function fromText({ name, schema }: ParamInfo, text: string): unknown {
  if (v.safeParse(schema, text).success) return text;
  try {
    return parseStrictJson(text, `parameter ${name}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return text;
  }
}

/** One sentence without the value, which may be a secret; valibot's own messages quote it. */
function tellIssue(issue: v.BaseIssue<unknown>, what: string): string {
  if (issue.kind === 'schema') {
    if (issue.received === 'undefined') return `${what} is missing`;
    const got = typeof issue.input === 'string' ? 'a string' : issue.input === null ? 'null' : kindOf(issue.input);
    return `${what} must be ${issue.expected ?? 'something else'}, and is ${got}`;
  }
  if (issue.message.startsWith('Invalid ')) return `${what} ${tellRequirement(issue)}`;
  return `${what}: ${issue.message}`;
}

/** What valibot's own actions ask for: `must be >=1`, `must be an integer`; a check without a message has no words for it. */
function tellRequirement({ type, expected }: v.BaseIssue<unknown>): string {
  if (type === 'non_empty') return 'must not be empty';
  if (expected) return `must be ${expected}`;
  if (type === 'check') return 'is not valid';
  const words = type.replaceAll('_', ' ');
  return `must be ${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`;
}
