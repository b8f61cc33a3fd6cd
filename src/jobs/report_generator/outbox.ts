// The transactional outbox: a message is stored with the snapshot that it was made from, and marked when the broker confirmed it.
// Whatever happens between the two, the row stays unconfirmed and the next attempt or run sends it, with the same messageId.
import type { OutgoingMessage } from '../../job.ts';
import type { Query } from './transaction.ts';

/**
 * Stores the message as not yet confirmed. One that is there with the same content and confirmed stays so, unless it is to be
 * sent `again`; any other is replaced: the newer snapshot counts.
 */
export async function store(
  query: Query,
  job: string,
  exchange: string,
  message: OutgoingMessage,
  again: boolean,
): Promise<void> {
  await query(
    `INSERT INTO run_job.outbox AS stored (message_id, job, exchange, routing_key, content_type, type, headers, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (message_id) DO UPDATE SET
       (job, created_at, exchange, routing_key, content_type, type, headers, body, confirmed_at)
       = (excluded.job, excluded.created_at, excluded.exchange, excluded.routing_key, excluded.content_type, excluded.type,
          excluded.headers, excluded.body, NULL)
     WHERE $9 OR stored.confirmed_at IS NULL OR stored.body <> excluded.body
       OR stored.exchange IS DISTINCT FROM excluded.exchange`,
    [
      message.messageId,
      job,
      exchange,
      message.routingKey,
      message.contentType,
      message.type ?? null,
      JSON.stringify(message.headers ?? {}),
      message.body,
      again,
    ],
    'INSERT run_job.outbox',
  );
}

interface Row {
  message_id: string;
  exchange: string | null;
  routing_key: string;
  content_type: string;
  type: string | null;
  headers: Record<string, string>;
  body: Buffer;
  created_at_seconds: number;
}

const COLUMNS =
  'message_id, exchange, routing_key, content_type, type, headers, body, extract(epoch FROM created_at)::float8 AS created_at_seconds';

/**
 * Locks an unconfirmed message until the transaction ends, so that no two runs send it at once. Waits for another run that is
 * sending it, and returns nothing when that one has seen it confirmed.
 */
export async function lockOwn(query: Query, messageId: string): Promise<OutgoingMessage | undefined> {
  const [row] = await query<Row>(
    `SELECT ${COLUMNS} FROM run_job.outbox WHERE message_id = $1 AND confirmed_at IS NULL FOR UPDATE`,
    [messageId],
    'SELECT run_job.outbox',
  );
  return row && toOutgoing(row);
}

/** Locks the oldest unconfirmed message of the job, except those that are named and those that another run is sending. */
export async function lockNext(
  query: Query,
  job: string,
  except: readonly string[],
): Promise<OutgoingMessage | undefined> {
  const [row] = await query<Row>(
    `SELECT ${COLUMNS} FROM run_job.outbox
     WHERE job = $1 AND confirmed_at IS NULL AND message_id <> ALL ($2)
     ORDER BY created_at, message_id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [job, except],
    'SELECT run_job.outbox',
  );
  return row && toOutgoing(row);
}

/** The body of a stored message, confirmed or not; undefined when there is none. */
export async function bodyOf(query: Query, messageId: string): Promise<Uint8Array | undefined> {
  const [row] = await query<Pick<Row, 'body'>>(
    'SELECT body FROM run_job.outbox WHERE message_id = $1',
    [messageId],
    'SELECT run_job.outbox',
  );
  return row?.body;
}

/** Marks a message as confirmed. */
export async function markConfirmed(query: Query, messageId: string): Promise<void> {
  await query(
    'UPDATE run_job.outbox SET confirmed_at = clock_timestamp() WHERE message_id = $1',
    [messageId],
    'UPDATE run_job.outbox',
  );
}

function toOutgoing(row: Row): OutgoingMessage {
  return {
    messageId: row.message_id,
    ...(row.exchange !== null && { exchange: row.exchange }),
    routingKey: row.routing_key,
    contentType: row.content_type,
    ...(row.type !== null && { type: row.type }),
    headers: row.headers,
    body: row.body,
    timestamp: new Date(row.created_at_seconds * 1000),
  };
}
