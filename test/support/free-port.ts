// Ports that nobody uses at the moment.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** So many different free ports on the loopback address. Another process may take one before it is used: callers try again. */
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
