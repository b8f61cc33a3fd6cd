// Starts something slow when the first process asks for it over a Unix socket, and gives every asker the same answer.
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

type Reply = { readonly answer: unknown } | { readonly error: string };

/** Listens on `socket`; the first connection calls `start`, and each is answered with what it gave. */
export async function serveOnDemand(
  socket: string,
  start: () => Promise<{ answer: unknown; close(): Promise<void> }>,
): Promise<AsyncDisposable> {
  let started: ReturnType<typeof start> | undefined;
  const server = createServer(async (connection) => {
    // An asker that was stopped while it waited is no concern of ours.
    connection.on('error', () => {});
    started ??= start();
    const reply: Reply = await started.then(
      ({ answer }) => ({ answer }),
      (error: Error) => ({ error: error.message }),
    );
    connection.end(JSON.stringify(reply));
  }).listen(socket);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      const running = await started?.catch(() => undefined);
      await running?.close();
    },
  };
}

/** What the server behind `socket` answers. */
export async function askForIt<T>(socket: string): Promise<T> {
  const reply = JSON.parse(await text(createConnection(socket))) as Reply;
  if ('error' in reply) throw new Error(reply.error);
  return reply.answer as T;
}
