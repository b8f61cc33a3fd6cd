// `npm run picture:console`: the console over the demo's history, as README.md and docs/console.md show it.
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { chromium } from 'playwright-core';
import { makeHistory } from '../deploy/demo/history.ts';
import { findProgram } from '../test/support/install.ts';
import { startPostgres } from '../test/support/postgres-server.ts';

const EXECUTABLE = fileURLToPath(new URL('../dist/run-job.js', import.meta.url));
const PICTURE = fileURLToPath(new URL('./console.png', import.meta.url));

const executablePath = findProgram('chromium', 'chromium-browser', 'google-chrome');
if (executablePath === undefined) throw new Error('Chromium is missing: npm run tools installs it where it can');
await using postgres = await startPostgres();
const env = { DATABASE_URL: postgres.url, LOG_FORMAT: 'json' };
execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env });
const client = new pg.Client({ connectionString: postgres.url });
await client.connect();
await makeHistory(client);
await client.end();
const serving = spawn(process.execPath, [EXECUTABLE, 'serve', '--port', '0'], {
  env,
  stdio: ['ignore', 'ignore', 'pipe'],
});
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const url = await new Promise<string>((resolve) => {
    serving.stderr.on('data', (text) => {
      const [, found] = /the console is at (http:\/\/\S+?)"/.exec(String(text)) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 }, colorScheme: 'light' });
  await page.goto(url);
  await page.getByRole('status').getByText('live', { exact: true }).waitFor();
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  serving.kill('SIGTERM');
}
