// What a person means by a name, for commands that act on one.
import type { Config } from '../../app/config.ts';
import { resolveName } from '../../app/known-names.ts';
import type { Connection } from '../../postgres/connect.ts';
import { recordedNames } from '../../postgres/overview.ts';
import { decidedNames } from '../../postgres/pausing.ts';
import type { CommandData } from '../command.ts';

/**
 * The name that there is: of a record, of a schedule, of a pause, or of a job.
 * @throws {UsageError} there is none like it
 */
export async function nameOf(
  given: string,
  connection: Connection,
  { jobDirs }: Config,
  { home, commands }: CommandData,
): Promise<string> {
  const known = [...(await recordedNames(connection)), ...(await decidedNames(connection))];
  return resolveName(given, known, { home, dirs: jobDirs, commands: Object.keys(commands) });
}
