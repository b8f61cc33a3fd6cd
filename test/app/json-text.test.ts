import { expect, test } from 'vitest';
import { parseStrictJson } from '../../src/app/json-text.ts';

test('JSON that says what it means is what it says', () => {
  const value = { a: [1, -2.5e3, { a: 'a', b: null }], 'x"y': { a: true }, '': '{"a":1,"a":2}', big: 9007199254740991 };
  expect(parseStrictJson(JSON.stringify(value), '--params')).toEqual(value);
});

test.each(['{"s3cret":1,"b":{"c":[{"n":1,"n":2}]}}', '{"n":1,"x":"s3cret","\\u006e":2}', '{"n" : {}, "n" : []}'])(
  '%s names n twice, which is refused without its value',
  (text) => {
    expect(() => parseStrictJson(text, '--params')).toThrow(/^--params names n twice in one object: name it once$/);
  },
);

test.each(['1e400', '-1e999', '{"n":1e400}', '[9007199254740993]', '{"n":-12345678901234567890}'])(
  '%s is no number that can be held, which is refused without it',
  (text) => {
    expect(() => parseStrictJson(text, 'parameter n')).toThrow(
      /^parameter n(?: at n| at 0)? is a number that can't be held exactly/,
    );
  },
);

test('numbers with many digits behind the point, and large round ones, are taken', () => {
  expect(parseStrictJson('[0.12345678901234567890, 1e300, 1e21]', '--params')).toEqual([
    0.12345678901234568, 1e300, 1e21,
  ]);
});
