// Whether AMQP can carry a message: told before it is sent, in the same words whoever is to carry it.
import { PermanentError } from '../errors.ts';
import type { OutgoingMessage } from '../job.ts';

/** The longest of AMQP's short strings, in bytes. */
const SHORT_STRING = 255;
/** The longest table of headers that our client encodes, in bytes: 64 KiB, less its own length. */
const HEADERS = 65_532;
/** A header's own bytes beside its name and its value: two lengths and a type. */
const HEADER_FRAME = 6;

/**
 * @param exchange where it goes
 * @throws {PermanentError} a name over 255 bytes, headers over 64 KiB, a body that isn't bytes, a time that is none
 */
export function checkEncodable(message: OutgoingMessage, exchange: string): void {
  const problem = problemOf(message, exchange);
  if (problem === undefined) return;
  throw new PermanentError(
    `A message to exchange '${shorten(exchange)}' with routing key '${shorten(message.routingKey)}' can't be encoded: ${problem}`,
  );
}

function problemOf(message: OutgoingMessage, exchange: string): string | undefined {
  const { routingKey, messageId, contentType, type = '', body, headers = {}, timestamp } = message;
  for (const [what, text] of Object.entries({ exchange, routingKey, messageId, contentType, type })) {
    if (typeof text !== 'string') return `${what} is ${typeof text}, and must be text`;
    const bytes = Buffer.byteLength(text);
    if (bytes > SHORT_STRING) return `${what} has ${bytes} bytes, and AMQP carries ${SHORT_STRING}`;
  }
  if (!(body instanceof Uint8Array)) return 'body must be a Buffer or a Uint8Array';
  if (timestamp !== undefined && Number.isNaN(timestamp.getTime())) return 'timestamp is no time';
  let table = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') return `the header ${shorten(name)} is ${typeof value}, and must be text`;
    if (Buffer.byteLength(name) > SHORT_STRING) return `the name of a header is longer than ${SHORT_STRING} bytes`;
    table += HEADER_FRAME + Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return table > HEADERS ? `its headers have ${table} bytes, and ${HEADERS} can be sent` : undefined;
}

const shorten = (text: unknown): string => {
  const shown = String(text);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
};
