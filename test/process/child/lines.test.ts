// Bytes become lines: whatever the chunks are, no character is split and no line is kept beyond its cap.
import { expect, test } from 'vitest';
import { LINE_CAP, LineSplitter } from '../../../src/process/child/lines.ts';

function split(chunks: Iterable<Uint8Array>): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((batch) => lines.push(...batch));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

function* inChunksOf(size: number, bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 5, 7, 64, 1_000])('chunks of %d bytes make the same lines', (size) => {
  const lines = [
    '',
    'plain',
    'Grüße',
    '日本語のログ',
    '🎉 done 🎉',
    'tab\tand nul \0',
    'x'.repeat(200),
    '',
    'the last, without an end',
  ];
  expect(split(inChunksOf(size, Buffer.from(lines.join('\n'))))).toEqual(lines);
});

test('what is kept of a chunk is a copy: its memory may go as soon as it was pushed', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((batch) => lines.push(...batch));
  const chunk = Buffer.alloc(10);
  for (const bytes of inChunksOf(chunk.length, Buffer.from('one\na line of many chunks\nthe end'))) {
    chunk.fill('?');
    bytes.copy(chunk);
    splitter.push(chunk.subarray(0, bytes.length));
  }
  splitter.end();
  expect(lines).toEqual(['one', 'a line of many chunks', 'the end']);
});

test('Windows line ends are ends too, also where a chunk ends between the two characters', () => {
  expect(split([Buffer.from('one\r\ntwo\r'), Buffer.from('\nthree\r\n')])).toEqual(['one', 'two', 'three']);
});

test('what is no UTF-8 becomes replacement characters, and costs no line', () => {
  expect(split([Buffer.from([0xff, 0xfe, 0x41, 0x0a, 0xc3]), Buffer.from([0x0a, 0x42, 0x0a])])).toEqual([
    '��A',
    '�',
    'B',
  ]);
});

test.each([100, 65_536, 2_000_000])(
  'a line of 5 MB in chunks of %d bytes is cut at the cap, and the next one is whole',
  (size) => {
    const long = Buffer.from(`${'é'.repeat(2_500_000)}\nnext\n`);
    const [cut = '', next] = split(inChunksOf(size, long));
    expect(cut).toMatch(/^é+… \(5000000 bytes in all\)$/);
    expect(Buffer.byteLength(cut)).toBeLessThan(LINE_CAP + 40);
    expect(next).toBe('next');
  },
);

test.each([-3, -2, -1, 0])('the cap never splits a character of four bytes (%d)', (shift) => {
  const text = 'a'.repeat(LINE_CAP + shift) + '🎉'.repeat(10);
  const [cut = ''] = split([Buffer.from(text)]);
  expect(cut).not.toContain('�');
  expect(cut).toContain('bytes in all');
});

test.each([100, 65_536, 2_000_000])(
  'what stands across the cut is looked at before it is cut, in chunks of %d bytes',
  (size) => {
    const lines: string[] = [];
    const splitter = new LineSplitter(
      (batch) => lines.push(...batch),
      (text) => text.replaceAll('secret', '[redacted]'),
    );
    for (const chunk of inChunksOf(size, Buffer.from(`${'x'.repeat(LINE_CAP - 3)}secret and more\n`)))
      splitter.push(chunk);
    expect(lines).toEqual([`${'x'.repeat(LINE_CAP - 3)}[re… (${LINE_CAP + 12} bytes in all)`]);
  },
);

test('a line of exactly the cap is whole', () => {
  const line = 'x'.repeat(LINE_CAP);
  expect(split([Buffer.from(`${line}\n`)])).toEqual([line]);
  expect(split(inChunksOf(1_000, Buffer.from(`${line}\n`)))).toEqual([line]);
});

test.each([100, 65_536, 2_000_000])(
  'no half of a secret is told where the look ended, however much shorter the rest has become, in chunks of %d bytes',
  (size) => {
    const secret = `S${'e'.repeat(98)}T`;
    const lines: string[] = [];
    const splitter = new LineSplitter(
      (batch) => lines.push(...batch),
      (text) => text.replaceAll(secret, '[redacted]'),
    );
    for (const chunk of inChunksOf(size, Buffer.from(`${`${secret} `.repeat(2_000)}\n`))) splitter.push(chunk);
    expect(lines).toEqual([expect.stringMatching(/^(?:\[redacted\] )+[^S]*… \(202000 bytes in all\)$/)]);
  },
);
