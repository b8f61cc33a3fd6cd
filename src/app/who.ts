// Who decides something on a command line, as far as that can be told: it is recorded with what was decided.
import { hostname, userInfo } from 'node:os';

/** Such as `ada@laptop`. */
export function whoAsks(): string {
  return `${userName()}@${hostname()}`;
}

/** A user id without a name is usual in a container. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
