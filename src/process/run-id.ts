// The id of a run: a UUIDv7, so that ids sort by the time at which the runs began.
import { closeSync, openSync, readSync } from 'node:fs';

/** A new UUIDv7 for this instant (RFC 9562, section 5.7). */
export function newRunId(now: Date): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now.getTime(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Random bytes of the system's, without `node:crypto` where that can be: it takes 5 ms to load. */
function randomBytes(size: number): Buffer {
  try {
    const file = openSync('/dev/urandom', 'r');
    try {
      const bytes = Buffer.alloc(size);
      if (readSync(file, bytes) === size) return bytes;
    } finally {
      closeSync(file);
    }
  } catch {
    // A platform without /dev/urandom.
  }
  return process.getBuiltinModule('node:crypto').randomBytes(size);
}
