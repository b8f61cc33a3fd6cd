// A program's lines as log lines: what is written for many at once is what would be written for each, and no escape of JSON hides a secret.
import { expect, test } from 'vitest';
import { createProgramLog, type ProgramLogOptions } from '../../src/log/program-log.ts';
import { createLineRedactor } from '../../src/process/child/redact-lines.ts';
import { withHint } from '../../src/runner/hint.ts';
import { createRedactor } from '../../src/runner/redact.ts';

const KNOWN = 'hunter2hunter2';

function logOf(lines: readonly string[], options: Partial<ProgramLogOptions> = {}): string {
  const redactor = withHint(createRedactor([KNOWN]));
  let out = '';
  const log = createProgramLog({
    format: 'json',
    level: 'debug',
    redact: redactor,
    bindings: () => ({ job: 'it', traceId: undefined }),
    write: (text) => {
      out += text;
    },
    ...options,
  });
  const copy = [...lines];
  const clean = createLineRedactor(redactor)(copy);
  log({ stream: 'stdout', lines: copy, clean, fields: { attempt: 1 } });
  return out;
}

const read = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { time, ...fields } = JSON.parse(line) as Record<string, unknown>;
      expect(time).toMatch(/^\d{4}-.*Z$/);
      return fields;
    });

const COMMON = { stream: 'stdout', job: 'it', attempt: 1 };

test.each([
  ['plain lines', ['one', '', 'Grüße "quoted"', 'tab\t and \u0000 and \u2028']],
  ['lines with backslashes', ['C:\\new\\table', 'one\\ntwo', '\\', 'plain']],
])('%s are messages as they stand', (_, lines) => {
  expect(read(logOf(lines))).toEqual(lines.map((msg) => ({ level: 'info', msg, ...COMMON })));
});

test('JSON objects become fields between plain lines, in order', () => {
  const lines = [
    'before',
    '{"level":"WARNING","msg":"careful","rows":3,"time":"then"}',
    '{"severity":50,"message":"bad","job":"another","attempt":9,"nested":{"a":[1,null]}}',
    '{"stream":"mine","level":"odd"}',
    '{}',
    '{not json',
    '{"event":"over","__proto__":{"x":1}}',
    '{"level":"error","msg":"as it stands","n":1} ',
    '{ "rows" : [1,{"job":"x"}] }',
    '{"msg":{"not":"a text"},"n":2,"constructor":"c"}',
  ];
  const expected = [
    { level: 'info', msg: 'before', ...COMMON },
    { level: 'warn', msg: 'careful', rows: 3, programTime: 'then', ...COMMON },
    { level: 'error', msg: 'bad', programJob: 'another', programAttempt: 9, nested: { a: [1, null] }, ...COMMON },
    { level: 'info', msg: 'output', programLevel: 'odd', ...COMMON, stream: 'mine' },
    { level: 'info', msg: 'output', ...COMMON },
    { level: 'info', msg: '{not json', ...COMMON },
    { level: 'info', msg: 'over', ...COMMON },
    { level: 'error', msg: 'as it stands', n: 1, ...COMMON },
    { level: 'info', msg: 'output', rows: [1, { job: 'x' }], ...COMMON },
    { level: 'info', msg: 'output', programMsg: { not: 'a text' }, n: 2, constructor: 'c', ...COMMON },
  ];
  const told: unknown[] = [];
  const out = logOf(lines, { onLine: ({ level, message, fields }) => told.push({ level, msg: message, ...fields }) });
  expect(read(out)).toEqual(expected);
  expect(told.map((line) => JSON.parse(JSON.stringify(line)))).toEqual(expected);
  expect(logOf(lines).replaceAll(/"time":"[^"]*"/g, '')).toBe(out.replaceAll(/"time":"[^"]*"/g, ''));
});

test('a number that JavaScript can’t hold is written as the program wrote it', () => {
  expect(logOf(['{"level":"info","msg":"m","id":12345678901234567891,"price":1.10}'])).toContain(
    '"id":12345678901234567891,"price":1.10,',
  );
});

test('what is below the level isn’t written, and is heard of', () => {
  const heard: string[] = [];
  const out = logOf(['plain', '{"level":"warn","msg":"w"}', '{"level":"debug","msg":"d"}'], {
    level: 'warn',
    onLine: ({ message }) => heard.push(message),
  });
  expect(read(out)).toEqual([{ level: 'warn', msg: 'w', ...COMMON }]);
  expect(heard).toEqual(['plain', 'w', 'd']);
  expect(logOf(['plain'], { level: 'warn' })).toBe('');
});

test.each([
  ['a slash, as PHP writes it', '{"url":"postgres:\\/\\/bob:Xq8vTz31\\/@db\\/orders"}', 'Xq8vTz31'],
  ['a name in \\u', '{"p\\u0061ssword":"Xq8vTz31"}', 'Xq8vTz31'],
  ['a name beyond ASCII', '{"\\u043f\\u0430\\u0440\\u043e\\u043b\\u044c":"Xq8vTz31"}', 'Xq8vTz31'],
  ['a line end before a key', '{"msg":"found\\nAKIAIOSFODNN7EXAMPLE"}', 'AKIAIOSFODNN7EXAMPLE'],
  ['a known secret in \\u', '{"msg":"\\u0068unter2hunter2"}', KNOWN],
])('a secret that JSON has escaped is hidden in the log line: %s', (_, line, secret) => {
  const out = logOf(['first', line, 'last']);
  expect(out).toContain('[redacted]');
  expect(out).not.toContain(secret);
  expect(read(out)).toHaveLength(3);
});

test.each([
  ['lists', `{"level":"info","a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ['objects, under other names than ours', `{"severity":"WARN","a":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`],
])('a line that is nested as deep as no reader can follow is told as text: %s', (_, line) => {
  const heard: string[] = [];
  const options = { onLine: ({ message }: { message: string }) => heard.push(message) };
  expect(read(logOf(['first', line, 'last'], options)).map(({ msg }) => msg)).toEqual(['first', line, 'last']);
  expect(heard).toEqual(['first', line, 'last']);
});

test('a long line that isn’t nested deep becomes fields', () => {
  const rows = Array.from({ length: 300 }, (at) => [{ at }]);
  expect(read(logOf([JSON.stringify({ severity: 'error', rows })]))).toEqual([
    { level: 'error', msg: 'output', rows: JSON.parse(JSON.stringify(rows)), ...COMMON },
  ]);
});
