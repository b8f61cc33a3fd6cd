// The PostgreSQL server on which tests make their databases: the suite's, unless a file runs the tests of others on another.
import { inject } from 'vitest';

/** A server, as its superuser. */
export interface ServerAtHand {
  readonly url: string;
  readonly major: number;
}

let other: ServerAtHand | undefined;

export const serverAtHand = (): ServerAtHand => other ?? { url: inject('postgresUrl'), major: inject('postgresMajor') };

/** From now on, in this test file. */
export function useServer(server: ServerAtHand): void {
  other = server;
}
