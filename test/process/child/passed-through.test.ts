// What is passed through is passed on as it is, and its last lines are remembered without the memory of the rest.
import { expect, test } from 'vitest';
import { passedThrough } from '../../../src/process/child/output.ts';

/** Pushes the text in chunks of so many bytes, each in memory that is written over before the next one. */
function pass(text: string, size: number) {
  const passed: Buffer[] = [];
  const last: string[] = [];
  const taker = passedThrough(
    (bytes) => void passed.push(Buffer.from(bytes)),
    (lines) => last.push(...lines),
  );
  const bytes = Buffer.from(text);
  const chunk = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    chunk.fill('?');
    taker.push(chunk.subarray(0, bytes.copy(chunk, 0, at)));
  }
  taker.end();
  return { passed: Buffer.concat(passed).toString(), last };
}

test.each([1, 7, 1_000, 65_536, 131_071, 131_072, 131_073, 1_000_000])('in chunks of %d bytes', (size) => {
  const lines = Array.from({ length: size === 1 ? 4_000 : 40_000 }, (_, at) => `Zeile ${at}: ${'ü'.repeat(at % 50)}`);
  const { passed, last } = pass(`${lines.join('\n')}\n`, size);
  expect(passed).toBe(`${lines.join('\n')}\n`);
  // Whole, and the newest.
  expect(last).toEqual(lines.slice(-last.length));
  expect(Buffer.byteLength(last.join('\n'))).toBeGreaterThan(64 * 1024);
});

test('little is remembered whole', () => {
  expect(pass('one\ntwo\nthree', 5).last).toEqual(['one', 'two', 'three']);
  expect(pass('', 5).last).toEqual([]);
});

test.each(['', '\n'])(
  'of a line whose beginning is lost, and perhaps half of a secret with it, nothing is told: %j',
  (end) => {
    expect(pass(`${'secret '.repeat(40_000)}${end}`, 1_000).last).toEqual(['… (a line of more than 131072 bytes)']);
  },
);
