// What people read of a run on a terminal: its end at a glance, and all of what the job's author logs.
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Fields } from '../../src/job.ts';
import type { LogLevel } from '../../src/log/line.ts';
import { prettyWriter } from '../../src/log/pretty.ts';

const RUN = { job: 'hello', name: 'hello', runId: '01a21848-7870-718e-b695-3b79aec7b222' };

/** What is written for these lines, where the screen has 80 columns. */
function written(...lines: readonly (readonly [LogLevel, string, Fields])[]): string {
  let text = '';
  for (const [name, value] of Object.entries({ NO_COLOR: '1', COLUMNS: '80', DATABASE_URL: 'postgres://db' }))
    vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const write = prettyWriter((part) => {
    text += part;
  });
  for (const [level, message, fields] of lines)
    write({ time: new Date(0), level, message, fields: { ...RUN, ...fields } });
  return text;
}

const end = (status: string, more: Fields): readonly [LogLevel, string, Fields] => [
  status === 'succeeded' ? 'info' : 'error',
  `run ${status}`,
  { status, exitCode: status === 'succeeded' ? 0 : 1, durationMs: 1234, attempts: 1, ...more },
];

test('a result is folded to a line an entry, and it is said where all of it is', () => {
  const tables = Array.from({ length: 40 }, (_, index) => ({ table: `t${index}`, deleted: index }));
  expect(written(end('succeeded', { result: { deleted: 780, tables, note: 'x'.repeat(200) } }))).toBe(
    [
      '[success] run succeeded (exit 0, 1.2 s, run aec7b222)',
      '  deleted  780',
      '  tables   [40 items]',
      `  note     ${'x'.repeat(68)}…`,
      '  all of it: run-job show aec7b222',
      '',
    ].join('\n'),
  );
});

test('a result of many entries ends after eight lines, and one that is shown whole says no more', () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`n${index}`, index]));
  expect(
    written(end('succeeded', { result: many }))
      .split('\n')
      .slice(7),
  ).toEqual(['  n6  6', '  … and 23 more', '  all of it: run-job show aec7b222', '']);
  expect(written(end('succeeded', { result: { greeted: 'Ada', of: { a: 1 } } }))).toMatch(
    /greeted {2}Ada\n {2}of {7}\{"a":1\}\n$/,
  );
});

test('the last line of a run that failed has the cause, and the stack is told once', () => {
  const cause = { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:18080', code: 'ECONNREFUSED' };
  const error = {
    name: 'TypeError',
    message: 'fetch failed',
    stack: 'TypeError: fetch failed\n    at job',
    causes: [cause],
  };
  const text = written(['warn', 'attempt 1 of 1 failed', { attempt: 1, attempts: 1, error }], end('failed', { error }));
  expect(text.match(/at job/g)).toHaveLength(1);
  expect(text.trimEnd().split('\n').at(-1)).toBe(
    '[fail] run failed (exit 1, 1.2 s, run aec7b222): TypeError: fetch failed: connect ECONNREFUSED 127.0.0.1:18080',
  );
  // One that no attempt has told of.
  expect(written(end('failed', { error }))).toContain('    at job\ncaused by Error: connect');
});

test('the parameters are told as far as they have room, and what an author logs as a whole', () => {
  const params = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`parameter${index}`, index]));
  const [start = ''] = written([
    'info',
    'run started',
    { scheduledAt: '2026-11-26T14:33:16.669Z', deadline: '2026-11-26T14:38:17.054Z', params, dryRun: true },
  ]).split('\n');
  expect(start).toMatch(/^\[info\] run started, until 14:38:17 UTC dryRun=true parameter0=0 .*…$/);
  expect(start.length).toBeLessThanOrEqual(80 + '[info] '.length);
  expect(written(['info', 'read', { rows: 7, text: 'y'.repeat(300) }])).toBe(
    `[info] read rows=7 text=${'y'.repeat(300)}\n`,
  );
});
