// A folder that is written beside the one that it is to become, and takes its place in whole: who reads never sees half of it.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where folders are written; on the same file system as what they become. */
const WORKSHOP = '.cache/build';

/** How often another build may be faster, before something else must be in the way. */
const MOST_TRIES = 100;

/** Lets `write` fill a fresh folder, which then takes the place of `target`. When it throws, `target` stays as it was. */
export async function replaceFolder(target: string, write: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(WORKSHOP, { recursive: true });
  const workshop = mkdtempSync(join(WORKSHOP, 'run-'));
  try {
    const fresh = join(workshop, 'new');
    await write(fresh);
    mkdirSync(dirname(target), { recursive: true });
    for (let tries = 0; !moved(fresh, target); tries += 1) {
      if (tries === MOST_TRIES) throw new Error(`${target} can't be replaced: remove it`);
      moved(target, join(workshop, `old-${tries}`));
    }
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** False where another build was faster: what was to be moved is gone, or its place is taken. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // What isn't there may be there again by now.
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EXDEV', 'ENOENT'].includes(code)) return false;
    throw error;
  }
}
