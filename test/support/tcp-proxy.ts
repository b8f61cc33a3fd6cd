// A TCP proxy between a client and a server that can fall silent, cut, refuse, and tell when certain bytes pass.
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** Which way bytes flow. */
export type Direction = 'to-server' | 'to-client';

/** What a watcher is told when its bytes pass. */
export interface Match {
  /** Lets the bytes go on; until then nothing passes on this connection in this direction. */
  release(): void;
  /** Resets the connection; the bytes never arrive. */
  drop(): void;
}

/** A proxy in front of one server. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `url` with the proxy's address in place of the server's. */
  urlFor(url: string): string;
  /** Forwards nothing any more, in both directions and for new connections, without closing any: a host gone silent. */
  silence(): void;
  /** Forwards again, first what has been held back. */
  resume(): void;
  /** Resets every connection; new ones are still taken. */
  cut(): void;
  /** Resets the server's side of every connection, of which the client hears nothing before `resume`: a server that gave a silent host up. */
  giveUp(): void;
  /** Resets every new connection until `resume`: a server that is down. */
  refuse(): void;
  /**
   * Resolves when `pattern` passes in `direction`. The bytes that complete it are held back until `release` is called, so
   * the other side has not seen them yet. Case is ignored.
   */
  hold(pattern: string, direction: Direction): Promise<Match>;
  /** How many connections are open now. */
  readonly connections: number;
}

/** The client's connection to us, and ours to the server. */
type Pair = readonly [Socket, Socket];

const reset = (pair: Pair) => {
  for (const socket of pair) socket.resetAndDestroy();
};

interface Watcher {
  readonly pattern: string;
  readonly direction: Direction;
  resolve(match: Match): void;
}

/** Starts a proxy on a free port of the loopback address, in front of the server that `url` names. */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const target = new URL(url);
  const pairs = new Set<Pair>();
  const watchers = new Set<Watcher>();
  let silent = false;
  let refusing = false;
  let waiting: (() => void)[] = [];

  const gate = () => (silent ? new Promise<void>((open) => waiting.push(open)) : undefined);

  function meet(text: string, direction: Direction, pair: Pair): Promise<void> | undefined {
    for (const watcher of watchers) {
      if (watcher.direction !== direction || !text.includes(watcher.pattern)) continue;
      watchers.delete(watcher);
      return new Promise((release) => {
        const drop = () => {
          reset(pair);
          release();
        };
        watcher.resolve({ release, drop });
      });
    }
    return undefined;
  }

  async function pump(pair: Pair, direction: Direction): Promise<void> {
    const [from, to] = direction === 'to-server' ? pair : pair.toReversed();
    if (!from || !to) return;
    let tail = '';
    for await (const chunk of from as AsyncIterable<Buffer>) {
      // A pattern may be split between two chunks.
      const text = tail + chunk.toString('latin1').toLowerCase();
      tail = text.slice(-256);
      const met = meet(text, direction, pair);
      if (met) tail = '';
      await met;
      await gate();
      if (!to.destroyed) to.write(chunk);
    }
    await gate();
    to.end();
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ host: target.hostname, port: Number(target.port), allowHalfOpen: true });
    const pair: Pair = [client, upstream];
    pairs.add(pair);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    upstream.on('error', async () => {
      await gate();
      client.destroy();
    });
    for (const socket of pair) socket.on('close', () => pair.every(({ destroyed }) => destroyed) && pairs.delete(pair));
    pump(pair, 'to-server').catch(() => upstream.destroy());
    pump(pair, 'to-client').catch(async () => {
      await gate();
      client.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const cut = () => pairs.forEach(reset);
  return {
    port,
    urlFor: (original) => Object.assign(new URL(original), { host: `127.0.0.1:${port}` }).href,
    silence() {
      silent = true;
    },
    resume() {
      silent = false;
      refusing = false;
      const held = waiting;
      waiting = [];
      for (const open of held) open();
    },
    cut,
    giveUp() {
      for (const [, upstream] of pairs) upstream.resetAndDestroy();
    },
    refuse() {
      refusing = true;
    },
    hold: (pattern, direction) =>
      new Promise((resolve) => watchers.add({ pattern: pattern.toLowerCase(), direction, resolve })),
    get connections() {
      return pairs.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      cut();
      await closed;
    },
  };
}

/** Listens, takes every connection, and never answers; `accepted` resolves with the first. */
export async function startBlackHole(): Promise<AsyncDisposable & { port: number; accepted: Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.add(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted: once(server, 'connection'),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
