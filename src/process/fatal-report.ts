// Learns of the report that Node writes when V8 gives up, in the moment before the process is aborted.
import { readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';

/** How long the first words of the report may take to be written, in milliseconds. */
const PATIENCE_MS = 20;

/** Calls `onReport` with what has happened, as V8 calls it, when the report appears; removes it. Nothing is called where the folder can't be watched. */
export function onFatalReport(
  { folder, name }: { readonly folder: string; readonly name: string },
  onReport: (event: string) => void,
): void {
  let told = false;
  try {
    const watcher = watch(folder, { persistent: false }, (_, file) => {
      if (file !== name || told) return;
      told = true;
      onReport(readEvent(join(folder, name)));
      rmSync(join(folder, name), { force: true });
    });
    watcher.on('error', () => undefined);
  } catch {
    // No such folder, or no watches left: then the process is aborted without a word.
  }
}

/** What the report's head says; heap exhaustion, by far the most likely, when that isn't written in time. */
function readEvent(path: string): string {
  for (let waited = 0; waited < PATIENCE_MS; waited += 1) {
    try {
      const [, event] = /"event":\s*"((?:[^"\\]|\\.)*)"/.exec(readFileSync(path, 'utf8')) ?? [];
      if (event !== undefined) return event;
    } catch {
      // Not there any more.
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  return 'JavaScript heap out of memory';
}
