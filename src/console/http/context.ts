// What a route knows of the request beyond the request itself.
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** Who looks. */
export interface Visitor {
  /** Absent where nobody says who it is. */
  readonly who: string | undefined;
  readonly mayAct: boolean;
}

export interface Env {
  readonly Bindings: HttpBindings;
  readonly Variables: { visitor: Visitor };
}

export type Ctx = Context<Env>;

const FOR_PROGRAMS: readonly string[] = ['/metrics', '/events', '/healthz', '/readyz'];

/** Whether the client would rather read JSON than a page. */
export const wantsJson = (c: Ctx): boolean => {
  const { path } = c.req;
  return path.startsWith('/api/') || FOR_PROGRAMS.includes(path);
};

/** The address at the other end of the socket. */
export const addressOf = (c: Ctx): string => c.env.incoming.socket.remoteAddress ?? '';
