// Cancels on the server what runs on a connection: nobody waits for it any more, and it would go on for nobody.
import { Connection as Protocol } from 'pg';

/** How long telling the server to cancel may take. */
const CANCEL_TIMEOUT_MS = 1_000;

/** What of a client of node-postgres a cancel request needs; the types of node-postgres know a part of it only. */
interface Cancellable {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly ssl: false | object;
  readonly sslNegotiation?: 'postgres' | 'direct';
}

interface CancelProtocol extends Protocol {
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/**
 * Asks the server to cancel the statement that runs on this client, and resolves when it has been told, or can't be within a second.
 * By the protocol's own request and not by `pg_cancel_backend`: it takes no connection of the pool, and a pooler passes it on to the
 * connection that the client has at this moment. Encrypted where the client is, since the request carries the client's secret.
 */
export async function cancelStatement(client: object): Promise<void> {
  const { processID, secretKey, host, port, ssl, sslNegotiation = 'postgres' } = client as Cancellable;
  if (processID === null || secretKey === null) return;
  const request = new Protocol({ ssl, sslNegotiation } as object) as CancelProtocol;
  const told = Promise.withResolvers<void>();
  const send = () => request.cancel(processID, secretKey);
  // Nobody hangs up but the server, when it has done it: PgBouncer forgets the request of a client that is gone.
  request.on('end', told.resolve).on('error', () => request.stream.destroy());
  request.on('sslconnect', send);
  request.on('connect', () => {
    if (ssl === false) send();
    else if (sslNegotiation === 'postgres') request.requestSsl();
  });
  if (host.startsWith('/')) request.connect(`${host}/.s.PGSQL.${port}`);
  else request.connect(port, host);
  const limit = setTimeout(() => request.stream.destroy(), CANCEL_TIMEOUT_MS);
  await told.promise;
  clearTimeout(limit);
}
