// Holds a fixture job at a known point until the test lets it go on. The job's side is test/fixtures/at-gate.ts.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { inject } from 'vitest';

/** A job that stands at the gate. */
export interface Visitor {
  /** What the job said of itself. */
  readonly label: string;
  /** Lets it go on. */
  open(): void;
}

/** A gate; jobs find it by its path. */
export interface Gate extends AsyncDisposable {
  readonly path: string;
  /** The next job that arrives, or has arrived and nobody has asked for yet. */
  arrival(): Promise<Visitor>;
}

/** Opens a gate on a Unix socket of its own. Jobs that still stand at it when it is disposed of go on. */
export async function openGate(): Promise<Gate> {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'gate-'));
  const path = join(folder, 'gate.sock');
  const sockets = new Set<Socket>();
  const arrived: Visitor[] = [];
  const wanted: ((visitor: Visitor) => void)[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    // A job that is killed at the gate resets its connection.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (label) => {
      const visitor = { label: label.toString().trim(), open: () => void socket.end('go\n') };
      const next = wanted.shift();
      if (next) next(visitor);
      else arrived.push(visitor);
    });
  }).listen(path);
  await once(server, 'listening');
  return {
    path,
    arrival: () => {
      const visitor = arrived.shift();
      return visitor ? Promise.resolve(visitor) : new Promise((resolve) => wanted.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
