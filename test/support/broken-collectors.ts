// Collectors that don't do what a collector should.
import { createServer as createHttpServer, type OutgoingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface BrokenCollector extends AsyncDisposable {
  readonly url: string;
}

/** Answers every request with this status. */
export function answering(status: number, headers: OutgoingHttpHeaders = {}, body = ''): Promise<BrokenCollector> {
  return listening(
    createHttpServer((request, response) =>
      request.resume().on('end', () => response.writeHead(status, headers).end(body)),
    ),
  );
}

/** Accepts connections and never says a word: neither HTTP, nor TLS when it is spoken to by `https:`. */
export function silent(scheme: 'http' | 'https'): Promise<BrokenCollector> {
  return listening(
    createServer((socket) => socket.resume()),
    scheme,
  );
}

/** Resets each connection as soon as something is sent. */
export function resetting(): Promise<BrokenCollector> {
  return listening(createServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
}

/** Nobody listens there. */
export async function refusing(): Promise<BrokenCollector> {
  const collector = await listening(createServer());
  await collector[Symbol.asyncDispose]();
  return { url: collector.url, async [Symbol.asyncDispose]() {} };
}

async function listening(server: Server, scheme: 'http' | 'https' = 'http'): Promise<BrokenCollector> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
