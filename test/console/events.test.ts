// Listeners that don't read are let go before what waits for them fills the memory.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import type { Listener } from '../../src/app/console/watch.ts';
import { Events } from '../../src/console/http/events.ts';

test('a listener that reads nothing is cut off, one that reads hears all', async () => {
  let tell: Listener | undefined;
  const events = new Events({
    onChange: (listener) => {
      tell = listener;
      return () => {
        tell = undefined;
      };
    },
  });
  const server = createServer((_, response) => void events.add(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const listen = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'readable');
    return socket;
  };
  const [deaf, hears] = [await listen(), await listen()];
  let heard = 0;
  hears.on('data', (part: Buffer) => {
    heard += part.toString().split('event: change').length - 1;
  });
  // Some hundred kilobytes fit into the system's own buffers.
  const names = new Set(Array.from({ length: 50 }, (_, index) => `${index}${'x'.repeat(20_000)}`));
  let told = 0;
  while (events.size === 2 && told < 200) {
    tell?.(names);
    told += 1;
    await new Promise(setImmediate);
  }
  expect(events.size).toBe(1);
  expect(told).toBeLessThan(200);
  while (heard < told) await once(hears, 'data');
  hears.destroy();
  deaf.destroy();
  events.close();
  expect(tell).toBeUndefined();
  server.close();
});
