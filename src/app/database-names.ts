// The names that the database knows; apart from known-names.ts, which every run loads.
import type { Connection } from '../postgres/connect.ts';
import { recordedNames } from '../postgres/overview.ts';
import { schedulesInForce } from '../postgres/schedules.ts';

/** Names of which there are records, or schedules in force. */
export async function knownNames(connection: Connection): Promise<string[]> {
  const scheduled = (await schedulesInForce(connection)).map(({ name }) => name);
  return [...new Set([...(await recordedNames(connection)), ...scheduled])];
}
