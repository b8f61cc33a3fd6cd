// The HTTP server: its limits, and its end.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** Headers that are larger are refused (431). */
const MOST_HEADER_BYTES = 16_384;

/** How long a client may take to send its headers, and all of its request, in milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 20_000;

/** How long a connection is kept that asks nothing. */
const KEEP_ALIVE_MS = 60_000;

/** How long a connection lasts on which nothing moves: that of somebody who doesn't read what he asked for. Listeners hear something sooner. */
const STILL_MS = 45_000;

/** Connections at once, listeners included. */
const MOST_CONNECTIONS = 3_000;

/** How long those who still get an answer have, once we stop. */
const DRAIN_MS = 10_000;

/** A server that listens. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Answers what was asked already, for ten seconds at most, and takes nothing new. */
  drain(): Promise<void>;
}

/**
 * Listens.
 * @throws {Error} with Node's code, such as EADDRINUSE
 */
export async function listen(
  handler: (request: Request, env: unknown) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    getRequestListener(handler),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = STILL_MS;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `http://${name}:${address.port}`, port: address.port, drain: () => drain(server) };
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const last = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(last);
}
