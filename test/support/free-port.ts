// Ports that nobody uses at the moment.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** So many different free ports on the loopback address. Another process may take one before it is used: see `onFreePorts`. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

const TRIES = 3;

/** Starts something on free ports, and once more on others when somebody else was faster to take one. */
export async function onFreePorts<T>(count: number, start: (...ports: number[]) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(...(await freePorts(count)));
    } catch (error) {
      if (tries === TRIES || !/in use|eaddrinuse/i.test(String(error))) throw error;
    }
  }
}
