// Standard output without streams: Node's `process.stdout` takes 4 ms and 3 MB to open, and a run only ever writes lines.
import { fstatSync, writeSync } from 'node:fs';

/** Device number of /dev/null on Linux: major 1, minor 3. */
const DEV_NULL = 0x103;

/** Whether a file descriptor is a terminal. `node:tty` is loaded only where it may be one. */
export function isTerminal(fd: 1 | 2): boolean {
  try {
    const stats = fstatSync(fd);
    if (!stats.isCharacterDevice() || stats.rdev === DEV_NULL) return false;
  } catch {
    // Closed by whoever started us.
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/**
 * Writes all of `output`, waiting for a reader that is slow. A reader that went away (`run-job … | head -1`) is no reason to stop: what
 * it doesn't want is dropped.
 */
export function writeAll(fd: 1 | 2, output: string | Uint8Array): void {
  let rest = typeof output === 'string' ? Buffer.from(output) : output;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      // Somebody who shares the pipe has made it non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Keeps an EPIPE of `process.stdout` or `process.stderr` from being an uncaught exception, without opening either. */
export function ignoreClosedPipes(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const { get } = Object.getOwnPropertyDescriptor(process, name) ?? {};
    if (!get) continue;
    let opened: NodeJS.WriteStream | undefined;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        opened ??= (get.call(process) as NodeJS.WriteStream).on('error', () => undefined);
        return opened;
      },
    });
  }
}
