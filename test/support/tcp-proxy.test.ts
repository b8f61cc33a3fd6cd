// The proxy that other tests cut connections with.
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startBlackHole, startTcpProxy } from './tcp-proxy.ts';

/** A server that answers each chunk with `re:` and the chunk, and counts what it was sent. */
async function echo(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      seen.push(chunk.toString());
      socket.write(`re:${chunk}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function connect(port: number) {
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  return { socket, next: async () => String((await once(socket, 'data'))[0]) };
}

test('bytes pass through in both directions', async () => {
  const server = await echo();
  await using proxy = await startTcpProxy(server.url);
  const { socket, next } = await connect(proxy.port);
  socket.write('hello');
  expect(await next()).toBe('re:hello');
  expect(proxy.connections).toBe(1);
});

test('held bytes have not reached the server until they are released, whatever their case and however they are split', async () => {
  const server = await echo();
  await using proxy = await startTcpProxy(server.url);
  const { socket, next } = await connect(proxy.port);
  const held = proxy.hold('insert into runs', 'to-server');
  socket.write('INSERT in');
  expect(await next()).toBe('re:INSERT in');
  socket.write('to runs');
  const match = await held;
  expect(server.seen).toEqual(['INSERT in']);
  match.release();
  expect(await next()).toBe('re:to runs');
});

test('a silent proxy forwards nothing and closes nothing, and resumes with what it held back', async () => {
  const server = await echo();
  await using proxy = await startTcpProxy(server.url);
  const { socket, next } = await connect(proxy.port);
  socket.write('a');
  await next();
  proxy.silence();
  let answered = false;
  const answer = next().finally(() => {
    answered = true;
  });
  socket.write('b');
  // A second proxy on the same server proves that time enough has passed for an answer.
  await using witness = await startTcpProxy(server.url);
  const other = await connect(witness.port);
  other.socket.write('c');
  await other.next();
  expect(answered).toBe(false);
  expect(server.seen).toEqual(['a', 'c']);
  proxy.resume();
  expect(await answer).toBe('re:b');
});

test('a cut resets the connections, and new ones are taken again', async () => {
  const server = await echo();
  await using proxy = await startTcpProxy(server.url);
  const { socket } = await connect(proxy.port);
  socket.write('a');
  await once(socket, 'data');
  proxy.cut();
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNRESET');
  const again = await connect(proxy.port);
  again.socket.write('b');
  expect(await again.next()).toBe('re:b');
});

test('a refusing proxy resets new connections until it resumes', async () => {
  const server = await echo();
  await using proxy = await startTcpProxy(server.url);
  proxy.refuse();
  const refused = createConnection(proxy.port, '127.0.0.1');
  await expect(once(refused, 'connect').then(() => once(refused, 'data'))).rejects.toThrow('ECONNRESET');
  proxy.resume();
  const { socket, next } = await connect(proxy.port);
  socket.write('a');
  expect(await next()).toBe('re:a');
});

test('a black hole takes connections and never answers', async () => {
  await using hole = await startBlackHole();
  const { socket } = await connect(hole.port);
  await hole.accepted;
  socket.write('anybody there?');
  await new Promise((written) => socket.write('!', written));
  expect(socket.bytesRead).toBe(0);
});
