// Bytes to lines: never splits a character, and never keeps more of a line than its cap.

/** How much of a line is kept, in bytes; what is longer is cut, and says so. */
export const LINE_CAP = 64 * 1024;

const LF = 10;
const CR = 13;

/** Splits one stream into lines. Bytes that are no UTF-8 become U+FFFD. */
export class LineSplitter {
  readonly #take: (lines: string[]) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of the current line that were dropped. */
  #dropped = 0;

  /** @param take is given every batch of whole lines, without their ends */
  constructor(take: (lines: string[]) => void) {
    this.#take = take;
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
      for (const line of whole) lines.push(line.length > LINE_CAP / 4 ? cap(line) : withoutCr(line));
    }
    this.#take(lines);
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1));
  }

  /** The stream has ended: what stands after the last line end is a line too. */
  end(): void {
    if (this.#heldBytes > 0) this.#take([this.#line()]);
  }

  #hold(bytes: Buffer): void {
    const room = LINE_CAP - this.#heldBytes;
    // One byte more than fits, so that a line of exactly the cap isn't told as cut.
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
    if (dropped > 0) return tellCut(bytes, bytes.length + dropped);
    const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    return bytes.toString('utf8', 0, end);
  }
}

function withoutCr(line: string): string {
  return line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
}

/** A whole line of a single chunk, which may be longer than the cap. */
function cap(line: string): string {
  const bytes = Buffer.from(line);
  return bytes.length > LINE_CAP ? tellCut(bytes.subarray(0, LINE_CAP), bytes.length) : withoutCr(line);
}

function tellCut(kept: Buffer, bytes: number): string {
  return `${kept.toString('utf8', 0, wholeCharacters(kept))}… (${bytes} bytes in all)`;
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
