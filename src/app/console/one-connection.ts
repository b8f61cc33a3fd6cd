// The one connection beside those that pages are read by: what is sent to others takes as long as they let it.
import { type Connection, withConnection } from '../../postgres/connect.ts';
import type { Server } from '../../postgres/server.ts';

/** Works with a connection that is opened for it and closed after it. */
export type UseConnection = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

/** One at a time: whoever asks meanwhile waits. */
export function oneConnection(server: Server): UseConnection {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(() => withConnection(server, work));
    last = next.catch(() => undefined);
    return next;
  };
}
