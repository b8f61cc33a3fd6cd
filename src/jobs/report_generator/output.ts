// Where a report can be looked at: a file, and the dry run's standard output.
import { rename, rm, writeFile } from 'node:fs/promises';
import { PermanentError } from '../../errors.ts';
import type { OutgoingMessage } from '../../job.ts';

/**
 * Writes the message's body to a file, whole or not at all.
 * @throws {PermanentError} it can't be written there
 */
export async function writeBody(path: string, body: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, body);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new PermanentError(
      `The parameter output names ${path}, which can't be written (${(cause as NodeJS.ErrnoException).code}): name a file in a folder that is there and writable`,
      { cause },
    );
  }
}

/**
 * The message as it would be sent, as one JSON document: indented for a person at a terminal, else one line, so that standard
 * output stays JSON lines beside the log's.
 */
export function describeMessage(message: OutgoingMessage, exchange: string, forTerminal: boolean): string {
  const { routingKey, messageId, contentType, type, headers, mandatory, body } = message;
  const document = {
    wouldPublish: {
      exchange,
      routingKey,
      mandatory,
      persistent: true,
      properties: { messageId, contentType, type, headers },
      body: JSON.parse(Buffer.from(body).toString()),
    },
  };
  return `${JSON.stringify(document, undefined, forTerminal ? 2 : undefined)}\n`;
}
