// What a service is to whoever makes its monitors: it finds one by its slug, makes one, and changes single settings of one.
import type { OutgoingRequest } from '../runner/ports.ts';
import type { MonitorSettings } from './event.ts';

/** Settings by our names for them, each as text, number or list of words; one that isn't there is nobody's choice. */
export type Settings = Readonly<Record<string, string | number | readonly string[]>>;

/** A monitor as it stands there. */
export interface FoundMonitor {
  /** By which the service knows it, whatever it is called. */
  readonly id: string;
  readonly settings: Settings;
}

/** What came back. */
export interface ServiceAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request and brings back the answer; rejects where there is none. */
export type Ask = (request: OutgoingRequest) => Promise<ServiceAnswer>;

/** What is asked for, and what couldn't be translated of it. */
export interface Wish {
  readonly settings: Settings;
  /** Sentences. */
  readonly notes: readonly string[];
}

/** A service whose monitors can be made, at the address that was given. */
export interface MonitorService {
  /** Its name and host, without a secret. */
  readonly label: string;
  /** Whose monitors these are: ids are unique within it. Without a secret. */
  readonly key: string;
  /** What the service puts where nobody chose: as good as not there. */
  readonly defaults: Settings;
  /** In the service's terms and limits. @throws {RefusedError} */
  wish(settings: MonitorSettings, ask: Ask): Promise<Wish>;
  /** Whether the key opens it, for whoever only looks. @throws {RefusedError} */
  reach(ask: Ask): Promise<void>;
  /** @throws {RefusedError} */
  find(slug: string, ask: Ask): Promise<FoundMonitor | undefined>;
  /** @param name for people @throws {RefusedError} */
  make(slug: string, name: string, settings: Settings, ask: Ask): Promise<FoundMonitor>;
  /** Changes these settings and leaves the others. @throws {RefusedError} */
  change(id: string, slug: string, settings: Settings, ask: Ask): Promise<FoundMonitor>;
}

/** The service didn't do what it was asked; the message says why and what to do. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** The longest that is told of an answer, in characters. */
const MOST_TOLD = 200;

/** The answer's JSON, where its status is one of these. @throws {RefusedError} */
export function readAnswer({ status, body }: ServiceAnswer, expected: readonly number[], keyNeeds: string): unknown {
  if (!expected.includes(status)) throw new RefusedError(problemOf(status, body, keyNeeds));
  try {
    return JSON.parse(body);
  } catch {
    throw new RefusedError('it answered something that is no JSON: is the address that of its API?');
  }
}

function problemOf(status: number, body: string, keyNeeds: string): string {
  if (status === 401 || status === 403) return `it answered ${status}: is the key right? It ${keyNeeds}`;
  if (status === 404) return 'it answered 404: is the address right?';
  if (status >= 300 && status < 400) return `it answered ${status}, which leads elsewhere: name that address instead`;
  if (status === 429) return 'it answered 429: it is asked more than it takes; what is missing is made the next time';
  // Why it refuses what we sent, in its own words.
  const why = status === 400 && /^\s*[[{]/.test(body) ? ` (${body.trim().slice(0, MOST_TOLD)})` : '';
  return `it answered ${status}${why}`;
}

/** What people are told of a name there, where the service has a place for it. */
export const descriptionOf = ({ owner, runbook }: MonitorSettings): string =>
  [owner && `owner: ${owner}`, runbook && `runbook: ${runbook}`].filter(Boolean).join('\n');

/** Leaves out what isn't there. */
export function compact(settings: Record<string, Settings[string] | undefined | null>): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined && value !== null),
  ) as Settings;
}

/** When it is to run, as one setting: a line means another time in another zone. */
export const scheduleOf = (cron: string, timeZone: string): string => `${cron} ${timeZone}`;

/** The line and the zone of it. */
export function splitSchedule(schedule: string): { readonly cron: string; readonly timeZone: string } {
  const at = schedule.lastIndexOf(' ');
  return { cron: schedule.slice(0, at), timeZone: schedule.slice(at + 1) };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

export const asNumber = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

export const asWords = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
