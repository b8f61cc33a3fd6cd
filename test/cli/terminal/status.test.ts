// What people look at when something didn't run, on a terminal of 80 columns with the names that they really have.
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { schedule } from '../../backfill/support.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runToEnd } from '../../support/run-job.ts';
import { hasTerminal, linesOnTerminal, startOnTerminal } from '../../support/terminal.ts';

const LONG = 'fraud-scoring-model-refresh-eu-west-1-production';
const WHY = 'the provider is being changed: ask Ada before you resume this, it is planned until Friday evening';
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[?0-9;]*[A-Za-z]`, 'g');

async function furnish(database: TestDatabase, names: number): Promise<void> {
  await schedule(database, LONG, { job: 'noop', cron: '*/5 8-18 * * 1-5', timeZone: 'America/Argentina/Buenos_Aires' });
  await schedule(database, 'orders', { job: 'noop' });
  for (let n = 0; n < names; n++)
    await schedule(database, `table-${n}`, { job: 'noop', from: new Date().toISOString() });
  await runToEnd(['pause', LONG, '--why', WHY], { database });
  await runToEnd(['exec', 'invoices', '--', 'sh', '-c', 'exit 3'], { database });
}

describe.runIf(hasTerminal)('at 80 columns', () => {
  test('names, states and times are whole, and nothing breaks within a word', async () => {
    await using database = await createDatabase();
    await furnish(database, 2);
    const lines = (...args: string[]) => linesOnTerminal(args, { columns: 80 }, { DATABASE_URL: database.url });
    const status = await lines('status');
    expect(status[0]).toMatch(/^NAME .* STATE +LAST RUN +SUCCESS +NEXT$/);
    expect(status).toContain(LONG);
    expect(status.find((line) => line.startsWith('invoices'))).toMatch(/ failing 1x +\d+s ago +never +-$/);
    expect(status).toContain('  ExecError: sh ended with exit code 3');
    // What has no note needs no line for one.
    expect(status).not.toContain('');
    const schedules = await lines('schedules');
    expect(schedules.slice(0, 2)).toEqual([
      LONG,
      '  every 5 minutes from 08:00 to 18:59 Monday to Friday, America/Argentina/Buenos_Aires',
    ]);
    const pause = await lines('pause');
    expect(pause.join(' ').replace(/ +/g, ' ')).toContain(WHY);
    const plan = await lines(
      'backfill',
      'orders',
      '--from',
      '2026-11-20T01:00:00Z',
      '--to',
      '2026-11-20T02:00:00Z',
      '--dry-run',
    );
    expect(plan[1]).toBe('  2026-11-20 01:00  missed   nobody knows why');
    for (const line of [...status, ...pause, ...plan]) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('--watch draws as much as there is room for, and goes on when the database comes back', async () => {
    await using database = await createDatabase();
    await furnish(database, 30);
    const env = { DATABASE_URL: database.url };
    const child = startOnTerminal(['status', '--watch'], { columns: 80, rows: 24 }, env);
    let drawn = '';
    const frame = async (fits: (lines: readonly string[]) => boolean): Promise<string[]> => {
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
        drawn += String(chunk);
        const frames = drawn.split('\u001b[H').slice(1);
        const lines = (frames.at(-1) ?? '').endsWith('\u001b[?7h') ? (frames.at(-1) ?? '').split('\r\n') : [];
        const shown = lines.map((line) => line.replace(ANSI, '')).slice(0, -1);
        if (shown.length > 0 && fits(shown)) return shown;
      }
      throw new Error(`it ended: ${drawn}`);
    };
    const first = await frame(() => true);
    expect(first).toHaveLength(23);
    expect(first[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, and every 2s; Ctrl-C ends it$/);
    expect(first.slice(1)).toEqual(expect.arrayContaining([expect.stringMatching(/^invoices +failing 1x/)]));
    expect(first.at(-1)).toMatch(/^… \d+ more lines$/);
    // What was said before is still to be scrolled back to.
    expect(drawn).not.toContain('\u001b[3J');
    const server = new URL(database.url);
    server.pathname = '/postgres';
    const ask = (sql: string) => withServer(server.href, sql);
    await ask(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS false`);
    const away = await frame(([head]) => head?.includes('; since then: ') ?? false);
    expect(away.slice(1)).toEqual(first.slice(1));
    await ask(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true`);
    await frame(([head]) => head?.endsWith('Ctrl-C ends it') ?? false);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});

async function withServer(url: string, sql: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
