// `npm run demo`: both shipped jobs on a real PostgreSQL 18 with a small bank in it, from empty folder to nothing left behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../../test/support/postgres-server.ts';
import { startReportBroker } from './broker.ts';
import { fill } from './fill.ts';
import { makeHistory } from './history.ts';
import { say, showCommand, showFolded } from './terminal.ts';

const EXECUTABLE = fileURLToPath(new URL('../../dist/run-job.js', import.meta.url));

const USAGE = `npm run demo                            both shipped jobs, on their own database
npm run demo -- --keep                  the same; the database stays till Ctrl-C
npm run demo -- --console --port 8080   web pages over two weeks of made history`;

/** What a run of ours ended with that has said itself what is wrong. */
class Failed extends Error {}

const flags = readFlags();

/** Aborts at Ctrl-C; what runs is ended, and what was started is closed in reverse. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    stop.abort();
  });
}

try {
  await demo();
} catch (error) {
  if (!stop.signal.aborted && !(error instanceof Failed)) throw error;
  if (error instanceof Failed) process.exitCode ||= 1;
  console.log(error instanceof Failed ? error.message : '\nStopped; nothing is left behind.');
  process.exit();
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        keep: { type: 'boolean', default: false },
        console: { type: 'boolean', default: false },
        port: { type: 'string', default: '8080' },
      },
    });
    if (!values.help) return values;
    console.log(USAGE);
  } catch (error) {
    console.error(`${(error as Error).message.split(/\. (?:This|To) /)[0]}. This is what there is:\n${USAGE}`);
    process.exitCode = 64;
  }
  process.exit();
}

async function demo(): Promise<void> {
  if (flags.console) return showConsole();
  await using opened = new AsyncDisposableStack();
  // RabbitMQ takes longest to start: it does so while the rest goes on.
  const starting = startReportBroker().catch(() => undefined);
  // Nobody who presses Ctrl-C waits for it: its guard ends it, and removes its folder, when we are gone.
  opened.defer(async () => (await Promise.race([starting, aborted()]))?.[Symbol.asyncDispose]());
  say('Starting a PostgreSQL 18 in a temporary folder.');
  const postgres = opened.use(await startPostgres());
  stop.signal.throwIfAborted();
  const env = { DATABASE_URL: postgres.url, AMQP_EXCHANGE: 'financial.events' };

  say('Creating the tables that run-job keeps its history in.');
  await runJob(['migrate'], env);

  say('Filling a small bank: accounts, categories, cards, transactions and invoices, tied by foreign keys.');
  const { rows, softDeleted } = await withClient(postgres.url, fill);
  const percent = Math.round((100 * softDeleted) / rows);
  console.log(
    `${softDeleted.toLocaleString('en')} of ${rows.toLocaleString('en')} rows (${percent}%) are soft-deleted.`,
  );

  say('What would the cleanup do? A dry run counts, and deletes nothing.');
  await runJob(['database_cleanup', '--dry-run'], env);

  say('Now for real: children before parents, in short batches, and nothing that a live row still refers to.');
  await runJob(['database_cleanup'], env);

  const broker = await Promise.race([starting, aborted()]);
  stop.signal.throwIfAborted();
  if (broker) {
    say(`The weekly report, published to RabbitMQ (${broker.origin}) and confirmed by it.`);
    await runJob(['report_generator', '--param', 'allowUnroutable=true'], { ...env, AMQP_URL: broker.url });
  } else {
    say(
      'The weekly report, as a dry run, which prints the message: no RabbitMQ is here\n(set AMQP_URL to have it published).',
    );
    await runJob(['report_generator', '--dry-run', '--param', 'top=1'], env, { folded: true });
  }

  say('Every run leaves a record.');
  await runJob(['history'], env);
  say('And this is how the jobs stand.');
  await runJob(['status'], env);

  if (flags.keep) {
    say(`The database stays up until you press Ctrl-C:\n${postgres.url}`);
    console.log(`In another terminal: export DATABASE_URL=${postgres.url}
  npx node dist/run-job.js history   the runs; show <run> has all of one
  npx node dist/run-job.js serve     the console, with these runs`);
    await once(stop.signal, 'abort');
  } else {
    say('That was all. The database and its folder are gone. What to try next:');
    console.log(`  npm run demo -- --console   web pages over two weeks of such runs
  npm run demo -- --keep      the same, and the database stays until Ctrl-C
  README.md                   a job in ten lines`);
  }
}

/** The console over two weeks of made history, until Ctrl-C. */
async function showConsole(): Promise<void> {
  await using opened = new AsyncDisposableStack();
  say('Starting a PostgreSQL 18 in a temporary folder, and making two weeks of runs of twelve names.');
  const postgres = opened.use(await startPostgres());
  stop.signal.throwIfAborted();
  const env = { DATABASE_URL: postgres.url };
  await runJob(['migrate'], env);
  const runs = await withClient(postgres.url, (client) => makeHistory(client));
  console.log(
    `${runs.toLocaleString('en')} runs are in it. Open the address below, and press Ctrl-C when you have seen enough.`,
  );
  await runJob(['serve', '--actions', '--port', flags.port], env);
}

async function aborted(): Promise<undefined> {
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
}

/** Runs a command of the built executable; its output is ours, and what it prints as JSON is shown only at its beginning where it is `folded`. */
async function runJob(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { folded = false }: { readonly folded?: boolean } = {},
): Promise<void> {
  stop.signal.throwIfAborted();
  showCommand(`run-job ${args.join(' ')}`);
  const columns = process.stdout.columns ? { COLUMNS: String(process.stdout.columns) } : {};
  const child = spawn(process.execPath, [EXECUTABLE, ...args], {
    stdio: ['inherit', folded ? 'pipe' : 'inherit', 'inherit'],
    env: { ...ofTerminal(), LOG_FORMAT: 'pretty', ...columns, ...env },
  });
  if (child.stdout) void showFolded(child.stdout);
  const end = () => child.kill('SIGTERM');
  stop.signal.addEventListener('abort', end);
  const [code] = (await once(child, 'close')) as [number | null];
  stop.signal.removeEventListener('abort', end);
  stop.signal.throwIfAborted();
  if (code !== 0) throw new Failed(`run-job ${args.join(' ')} ended with exit code ${code}; nothing is left behind.`);
}

/** What says how a terminal is written to; whatever else is set here isn't meant for the demo. */
function ofTerminal(): NodeJS.ProcessEnv {
  const names = ['PATH', 'TERM', 'COLORTERM', 'COLUMNS', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  // A statement that runs ends with its connection.
  const end = () => void client.end().catch(() => undefined);
  stop.signal.addEventListener('abort', end);
  try {
    return await use(client);
  } finally {
    stop.signal.removeEventListener('abort', end);
    await client.end().catch(() => undefined);
  }
}
