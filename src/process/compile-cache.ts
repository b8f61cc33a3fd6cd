// Node's compile cache, for what has no code from the build: commands, and the jobs of users.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** From now on Node keeps what it compiles: in the image's own cache beside the executable in `home`, or in the user's temporary folder. */
export function enableCompileCacheIn(home: string): void {
  const ours = join(home, '.compile-cache');
  process.getBuiltinModule('node:module').enableCompileCache(existsSync(ours) ? ours : undefined);
}
