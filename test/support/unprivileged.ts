// PostgreSQL and PgBouncer refuse to run as root: somebody else on this machine must do it.
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';

/** The user to run a server as: nothing when we aren't root, else `postgres`, else `nobody`. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such user.
    }
  }
  throw new Error('Running as root, and neither a user postgres nor a user nobody exists to run PostgreSQL as');
}
