// What the job throws and what escapes it, of whatever kind, is told with its stack and causes, and the record is closed.
import { describe, expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

describe('what the job throws', () => {
  const failed = async (kind: string, error: string | RegExp) => {
    await using database = await createDatabase();
    const ended = await runToEnd(['throws', '--param', `kind=${kind}`], { database });
    const record = await expectAccounts(ended, database, { status: 'failed', exitCode: 1, attempts: 1, error });
    return { ended, told: ended.summary.error, recorded: record?.error };
  };

  test('an Error: its name, message and stack', async () => {
    const { told, recorded } = await failed('error', 'the rows are wrong');
    expect(told).toMatchObject({ name: 'TypeError', stack: expect.stringMatching(/throws\.ts:\d+/) });
    expect(recorded).toEqual(told);
  });

  test('an error that Node threw: the frames of the job come first', async () => {
    const { told } = await failed('in_node', 'Invalid URL');
    const frames = told?.stack?.split('\n').filter((line) => /^\s*at /.test(line)) ?? [];
    expect(frames[0]).toMatch(/throws\.ts:\d+/);
    expect(frames.findLastIndex((frame) => frame.includes('throws.ts'))).toBeLessThan(
      frames.findIndex((frame) => frame.includes('node:')),
    );
  });

  test('a tree of 9 to the power of 6 errors: as much of it as fits, the same everywhere', async () => {
    const { ended, told, recorded } = await failed('tree', 'branch root');
    expect(recorded).toEqual(told);
    const text = JSON.stringify(told);
    expect(text.length).toBeLessThan(96 * 1024);
    expect(text).toContain('leaf root.0.0.0.0.0.0');
    expect(text).toContain('more errors, which are left out here');
    expect(ended.stdout.length).toBeLessThan(200 * 1024);
  });

  test('a string', async () => {
    await failed('string', 'only a string');
  });

  test('undefined', async () => {
    await failed('undefined', /undefined/);
  });

  test('a number', async () => {
    await failed('number', '42');
  });

  test('a plain object', async () => {
    await failed('object', 'a plain object');
  });

  test('an AggregateError: all its errors', async () => {
    const { told } = await failed('aggregate', 'many errors');
    expect(JSON.stringify(told)).toContain('first of many');
    expect(JSON.stringify(told)).toContain('second of many');
  });

  test('a chain of causes: each of them', async () => {
    const { told } = await failed('causes', 'outer');
    expect(JSON.stringify(told?.causes)).toMatch(/middle.*TypeError.*innermost|innermost/);
    expect(JSON.stringify(told?.causes)).toContain('middle');
  });

  test('an error that is its own cause', async () => {
    await failed('cycle', 'its own cause');
  });

  test('a proxy that throws when it is looked at', async () => {
    await failed('hostile', /./);
  });

  test('an error with a message of two megabytes: the termination message still fits', async () => {
    const { ended } = await failed('huge', /^y+/);
    expect(Buffer.byteLength(JSON.stringify(ended.termination))).toBeLessThanOrEqual(4096);
  });
});

describe('what escapes the job', () => {
  const crashed = async (kind: string, error: string | RegExp) => {
    await using database = await createDatabase();
    const ended = await runToEnd(['crashes', '--param', `kind=${kind}`], { database });
    await expectAccounts(ended, database, { status: 'crashed', exitCode: 70, attempts: 1, error });
    return ended.summary.error?.causes ?? [];
  };

  test('an unhandled rejection, with its stack and causes', async () => {
    const [cause] = await crashed('rejection', 'unhandledRejection');
    expect(cause).toMatchObject({ message: 'nobody caught this', stack: expect.stringMatching(/crashes\.ts:\d+/) });
    expect(JSON.stringify(cause)).toContain('the root of it');
  });

  test('an unhandled rejection with a string', async () => {
    const [cause] = await crashed('rejected_string', 'unhandledRejection');
    expect(cause?.message).toContain('only a string');
  });

  test('an exception in a timer', async () => {
    const [cause] = await crashed('timer', 'uncaughtException');
    expect(cause).toMatchObject({ name: 'RangeError', message: 'thrown in a timer' });
  });

  test('undefined, thrown in a timer', async () => {
    await crashed('thrown_undefined', 'uncaughtException');
  });

  test('an error event without a listener', async () => {
    const [cause] = await crashed('emitter', 'uncaughtException');
    expect(cause?.message).toContain('nobody listens');
  });

  test('an event loop that runs empty while the job’s promise is pending', async () => {
    await crashed('drained', 'event loop ran empty');
  });

  test('an event loop that runs empty, without a database', async () => {
    const ended = await runToEnd(['crashes', '--param', 'kind=drained']);
    await expectAccounts(ended, undefined, { status: 'crashed', exitCode: 70, error: 'event loop ran empty' });
  });
});
