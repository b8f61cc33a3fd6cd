// Whatever the job returns, the run says what it can of it, and fits where it has to fit.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

/** Runs `returns` with this kind of result, which must succeed. */
async function returns(kind: string) {
  await using database = await createDatabase();
  const ended = await runToEnd(['returns', '--param', `kind=${kind}`], { database });
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  const warnings = ended.lines.filter(({ level }) => level === 'warn');
  return { ended, record, result: ended.summary.result, warnings };
}

test('nothing: there is no result, and no warning', async () => {
  const { result, record, warnings } = await returns('nothing');
  expect([result, record?.result, warnings]).toEqual([undefined, null, []]);
});

test('a BigInt: all its digits, and a warning', async () => {
  const { result, record, warnings } = await returns('bigint');
  expect(JSON.stringify(result)).toContain('9007199254740993');
  expect(record?.result).toEqual(result);
  expect(warnings).toMatchObject([{ msg: expect.stringContaining('not JSON') }]);
});

test.for(['cycle', 'function', 'throwing'])('%s: what can be told of it, and a warning', async (kind) => {
  const { result, record, warnings } = await returns(kind);
  expect(record?.result).toEqual(result);
  expect(warnings).toMatchObject([{ msg: expect.stringContaining('not JSON') }]);
});

test.for(['deep', 'nul', 'date'])('%s: the run succeeds, and is recorded', async (kind) => {
  const { record } = await returns(kind);
  expect(record?.result).not.toBeNull();
});

test('where an API says to go on: the next run gets it back as it was', async () => {
  await using database = await createDatabase();
  const args = ['--as', 'pages'];
  const first = await runToEnd(['returns', ...args, '--param', 'kind=pages'], { database });
  const second = await runToEnd(['tells_context', ...args], { database });
  const { previous } = second.summary.result as { previous: { result: unknown }[] };
  expect(previous.map(({ result }) => result)).toEqual([first.summary.result]);
  expect(first.summary.result).toEqual({
    nextPageToken: 'CiAKGjBpNDd2Nmp2Zml2cXRwYjBpOXA',
    continuation_token: 'opaque+Kq81zz/9xW4Tn2v7==',
    next: 'https://api.example.org/v1/orders?page_token=Kq81zz9xW4Tn2v7LpQ&limit=100',
    raw: '{"NextToken":"Kq81zz9xW4Tn2v7LpQ"}',
  });
});

test.for(['gigantic', 'many', 'sparse', 'map', 'wide'])(
  '%s: too large to be told, so that it is left out as a whole, and the run says so everywhere',
  async (kind) => {
    const { ended, record, result, warnings } = await returns(kind);
    expect(result).toEqual({ resultOmitted: 'the result takes more than 4 MiB as JSON' });
    expect([record?.result, ended.termination?.result]).toEqual([result, result]);
    expect(warnings).toMatchObject([{ msg: expect.stringContaining('more than 4 MiB') }]);
  },
);

test.for(['integer', 'bytes', 'lines'])('%s: told and recorded, as far as JSON can hold it', async (kind) => {
  const { record, result } = await returns(kind);
  expect(record?.result).not.toMatchObject({ resultOmitted: expect.anything() });
  if (kind === 'integer') expect(result).toEqual({ big: '[a BigInt of more than 4096 bits]' });
  if (kind === 'bytes') expect(result).toEqual({ file: '[314572800 bytes]', of: [0.5, 1] });
});

test('two megabytes: the record holds all of it, and the termination message fits without it', async () => {
  const { ended, record } = await returns('huge');
  expect(JSON.stringify(record?.result).length).toBeGreaterThan(2_000_000);
  expect(ended.termination).toMatchObject({ resultOmitted: true });
  expect(Buffer.byteLength(JSON.stringify(ended.termination))).toBeLessThanOrEqual(4096);
});
