// Learns of the report that Node writes when V8 gives up, in the moment before the process is aborted.
import { rmSync, watch } from 'node:fs';
import { join } from 'node:path';

/**
 * Calls `onReport` as soon as the report appears, and removes it then. What has happened isn't read: it isn't written yet, and there is no time;
 * but for bugs of V8's own, it is always that the heap is exhausted. Nothing is called where the folder can't be watched.
 */
export function onFatalReport(
  { folder, name }: { readonly folder: string; readonly name: string },
  onReport: () => void,
): void {
  let told = false;
  try {
    const watcher = watch(folder, { persistent: false }, (_, file) => {
      if (file !== name || told) return;
      told = true;
      onReport();
      rmSync(join(folder, name), { force: true });
    });
    watcher.on('error', () => undefined);
  } catch {
    // No such folder, or no watches left: then the process is aborted without a word.
  }
}
