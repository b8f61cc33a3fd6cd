// A server as a run of the job `report` would speak to it.
import { parseServer, type Server } from '../../src/postgres/server.ts';

export function serverAt(url: string, connectTimeoutMs = 5_000): Server {
  return parseServer(url, { name: 'report' }, connectTimeoutMs);
}
