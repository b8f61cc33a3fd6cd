// The names that the database knows; apart from known-names.ts, which every run loads.
import type { Connection } from '../postgres/connect.ts';
import { recordedNames } from '../postgres/overview.ts';
import { decidedNames } from '../postgres/pausing.ts';
import type { JobSearch } from './job-files.ts';
import { resolveName } from './known-names.ts';

/**
 * The name that a person means: of a record, of a schedule, of a pause, or of a job.
 * @throws {UsageError} there is none like it
 */
export async function nameOf(given: string, connection: Connection, search: JobSearch): Promise<string> {
  return resolveName(given, await knownNames(connection), search);
}

/** Names of which there are records, schedules in force, or pauses. */
export async function knownNames(connection: Connection): Promise<string[]> {
  return [...new Set([...(await recordedNames(connection)), ...(await decidedNames(connection))])];
}
