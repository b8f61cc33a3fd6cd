// Bytes to lines: never splits a character, and never keeps more of a line than its cap.
import { keptOf, MARGIN } from '../../runner/secrets/cut.ts';

/** How much of a line is kept, in bytes; what is longer is cut, and says so. */
export const LINE_CAP = 64 * 1024;

const LF = 10;
const CR = 13;

/** Splits one stream into lines. Bytes that are no UTF-8 become U+FFFD. */
export class LineSplitter {
  readonly #take: (lines: string[]) => void;
  readonly #redact: (text: string) => string;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of the current line that were dropped. */
  #dropped = 0;

  /**
   * @param take is given every batch of whole lines, without their ends
   * @param redact is given what is to be cut, somewhat longer than it will be
   */
  constructor(take: (lines: string[]) => void, redact: (text: string) => string = (text) => text) {
    this.#take = take;
    this.#redact = redact;
  }

  /** The next bytes. What is kept of them until their last line is whole is a copy. */
  push(chunk: Buffer): void {
    const first = chunk.indexOf(LF);
    if (first === -1) {
      this.#hold(chunk);
      return;
    }
    const lines: string[] = [];
    let from = 0;
    if (this.#heldBytes > 0) {
      this.#hold(chunk.subarray(0, first));
      lines.push(this.#line());
      from = first + 1;
    }
    const last = chunk.lastIndexOf(LF);
    if (last >= from) {
      const whole = chunk.toString('utf8', from, last).split('\n');
      for (const line of whole) lines.push(line.length > LINE_CAP / 4 ? this.#cap(line) : withoutCr(line));
    }
    this.#take(lines);
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1));
  }

  /** The stream has ended: what stands after the last line end is a line too. */
  end(): void {
    if (this.#heldBytes > 0) this.#take([this.#line()]);
  }

  #hold(bytes: Buffer): void {
    const room = LINE_CAP + MARGIN - this.#heldBytes;
    const kept = bytes.subarray(0, Math.max(0, room));
    if (kept.length > 0) this.#held.push(Buffer.from(kept));
    this.#heldBytes += kept.length;
    this.#dropped += bytes.length - kept.length;
  }

  #line(): string {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    const dropped = this.#dropped;
    this.#held = [];
    this.#heldBytes = 0;
    this.#dropped = 0;
    if (bytes.length > LINE_CAP) return this.#tellCut(bytes, bytes.length + dropped);
    const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    return bytes.toString('utf8', 0, end);
  }

  /** A whole line of a single chunk, which may be longer than the cap. */
  #cap(line: string): string {
    const bytes = Buffer.from(line);
    return bytes.length > LINE_CAP
      ? this.#tellCut(bytes.subarray(0, LINE_CAP + MARGIN), bytes.length)
      : withoutCr(line);
  }

  #tellCut(kept: Buffer, bytes: number): string {
    const redacted = Buffer.from(this.#redact(textOf(kept)));
    const most = bytes > kept.length ? keptOf(redacted.length, LINE_CAP) : LINE_CAP;
    return `${textOf(redacted.subarray(0, most))}… (${bytes} bytes in all)`;
  }
}

const textOf = (bytes: Buffer): string => bytes.toString('utf8', 0, wholeCharacters(bytes));

function withoutCr(line: string): string {
  return line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
}

/** The length of `bytes` without a character that is cut at its end. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
