// Reads the files that hold a run's secrets, so that these can be kept out of what it tells.
import { readFileSync, statSync } from 'node:fs';

/** Keys and tokens are far smaller; what is larger is something else, and a pipe would never end. */
const LARGEST = 64 * 1024;

/** The text of a small file; undefined for everything else, and for what can't be read. */
export function readSecretFile(path: string): string | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() && stats.size <= LARGEST ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
