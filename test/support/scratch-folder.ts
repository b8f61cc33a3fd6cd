// A temporary folder that is removed when its owner ends, however it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder, removed with all that is in it when it is disposed of, or when this process dies. */
export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

/** Creates a folder of our own under the system's temporary folder. */
export function createScratchFolder(): ScratchFolder {
  const path = mkdtempSync(join(tmpdir(), 'run-job-suite-'));
  // Our death closes the pipe, and that ends `cat`.
  const remover = spawn('/bin/sh', ['-c', 'trap "" INT TERM HUP; cat > /dev/null; rm -rf "$0"', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  return {
    path,
    async [Symbol.asyncDispose]() {
      const removed = once(remover, 'exit');
      remover.stdin.end();
      await removed;
    },
  };
}
