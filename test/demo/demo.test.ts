// The demo, as somebody sees it who types `npm run demo -- --keep` and then Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import pg from 'pg';
import { expect, test } from 'vitest';

/** A line without what differs from one time to the next: numbers, with the unit that they come to, and the ids of runs. */
const constant = (line: string) =>
  line
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g, 'ID')
    .replaceAll(/\d[\d:.,TZ-]*(ms|s|m)?\b/g, 'N')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The lines of docs/demo.svg. */
function pictured(): string[] {
  const texts = readFileSync('docs/demo.svg', 'utf8').match(/<text>.*<\/text>/g) ?? [];
  return texts.map((text) =>
    text
      .replaceAll(/<[^>]+>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );
}

test('the demo shows both jobs at work, keeps its database while asked to, and leaves nothing behind', async () => {
  const demo = spawn(process.execPath, ['--no-warnings', 'deploy/demo/demo.ts', '--keep'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, COLUMNS: '104', NO_COLOR: undefined },
  });
  try {
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [demo.stdout, demo.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          const said = /press Ctrl-C:\s+(postgres:\S+)\n/.exec(output)?.[1];
          if (said) resolve(said);
        });
      }
      demo.on('exit', (code) => reject(new Error(`the demo ended with ${code}:\n${output}`)));
    });
    const printed = new Set(stripVTControlCharacters(output).split('\n').map(constant));
    // Without a broker the report is a dry run.
    const published = output.includes('published to RabbitMQ');
    const comparable = pictured()
      .map(constant)
      .filter((line) => published || !line.startsWith('ID report_generator'));
    expect(comparable.length).toBeGreaterThan(20);
    expect(
      comparable.filter((line) => !printed.has(line)),
      'docs/demo.svg is older: npm run picture',
    ).toEqual([]);
    expect(output).toMatch(/public\.transactions: [0-9]+ of [0-9]+ due rows deleted/);
    expect(output).toMatch(/weekly-report\/20\d\d-W\d\d/);
    expect(output).toMatch(/database_cleanup\s+succeeded\s+0 .*dry run/);
    expect(output).toMatch(/report_generator\s+.*succeeded/);

    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(
      `select count(*)::int as due from invoices where deleted_at < now() - interval '91 days'`,
    );
    expect(rows).toEqual([{ due: 0 }]);
    await client.end();

    demo.kill('SIGINT');
    const [code] = await once(demo, 'exit');
    expect(code).toBe(130);
    await expect(new pg.Client({ connectionString: url }).connect()).rejects.toThrow('ECONNREFUSED');
  } finally {
    demo.kill('SIGKILL');
  }
}, 120_000);
