// Closes a run's record from outside the run: for the watchdog, whose thread still lives when the run's own is blocked.
import type { RunEnd } from '../runner/ports.ts';
import { withConnection } from './connect.ts';
import { endColumns } from './rows.ts';
import { update } from './run-sql.ts';
import type { Server } from './server.ts';
import { asTheyAre, inAscii, lacksCharacter, type Spelling } from './spelling.ts';

/**
 * Closes the record if it still says running, over a short-lived connection of its own. Takes at most twice the
 * server's connect timeout.
 * @returns whether it said so
 * @throws {UnavailableError | ConfigError}
 */
export async function closeRunning(server: Server, id: string, end: RunEnd): Promise<boolean> {
  return withConnection(server, async (connection) => {
    const write = (spelling: Spelling) => {
      const { text, values } = update(id, spelling(endColumns(end)));
      return connection.ask(`${text} AND status = 'running'`, values, server.connectTimeoutMs);
    };
    const { rowCount } = await write(asTheyAre).catch((error) => {
      if (!lacksCharacter(error)) throw error;
      return write(inAscii);
    });
    return rowCount === 1;
  });
}
