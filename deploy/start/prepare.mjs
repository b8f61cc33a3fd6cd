// Makes a fresh clone ready: installs and builds what is missing. `npm run demo` and `npm pack` begin with it.
// Plain JavaScript: on a fresh clone the Node that runs it may be too old for TypeScript.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');

/** The environment in which the project's own Node, and its tools, are found first. */
export const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}` };

/** The project's own Node. */
export const NODE = join(BIN, 'node');

/** How long npm may take to end when it is asked to. */
const GRACE_MS = 5_000;

/** Installs what is missing, and builds what is older than its sources; tells standard error what it does. */
export async function prepare() {
  // npm writes the hidden lock file last: an installation that was cut off has none.
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json')) || !existsSync(NODE)) {
    // What was said to the npm that called us, such as --dry-run, isn't meant for this one.
    const flags = ['--no-audit', '--no-fund', '--no-dry-run', '--no-global', '--include=dev'];
    await npm('Installing what the project needs', 'npm ci', ['ci', ...flags]);
  }
  if (!isBuilt()) await npm('Building', 'npm run build', ['run', 'build']);
}

/** Whether dist/ is newer than all that it is made of. */
function isBuilt() {
  const executable = join(ROOT, 'dist/run-job.js');
  if (!existsSync(executable)) return false;
  const builtAt = statSync(executable).mtimeMs;
  const within = (folder) => readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, name));
  const sources = [...within('src'), ...within('deploy/build'), 'esbuild.config.ts', 'package.json'];
  return sources.every((file) => statSync(join(ROOT, file)).mtimeMs <= builtAt);
}

/** Runs npm in a process group of its own, so that a signal to us ends all that it has started; prints what it said when it fails. */
async function npm(what, command, args) {
  console.error(`${what} (${command}) …`);
  const child = spawn('npm', args, { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  let stoppedBy;
  const stop = (signal) => {
    stoppedBy ??= signal;
    end(child, 'SIGTERM');
    setTimeout(() => end(child, 'SIGKILL'), GRACE_MS).unref();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      said.push(`${error.message}\n`);
      resolve(1);
    });
    child.on('close', resolve);
  });
  for (const signal of signals) process.off(signal, stop);
  if (stoppedBy) {
    console.error('\nStopped.');
    process.exit(128 + constants.signals[stoppedBy]);
  }
  if (code === 0) return;
  console.error(said.join(''));
  process.exit(1);
}

/** Sends a signal to all that npm has started. */
function end(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}
