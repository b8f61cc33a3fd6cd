// A program that runs one server and can't leave it behind: when the owner's pipe closes, however the owner ended (SIGKILL
// included), the server is killed and its folder removed. A line on standard input names a signal to send instead.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [lastSignal, folder, uid, gid, command, ...args] = process.argv.slice(2);
if (lastSignal === undefined || folder === undefined || command === undefined)
  throw new Error('guard: too few arguments');

// Ctrl-C reaches the whole group of a terminal. The owner decides what it means; its pipe tells us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// An owner that is gone reads no more output; that must not end us before the server has ended.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const KILL_AFTER_MS = 10_000;
let ownerGone = false;

const server = spawn(command, args, {
  stdio: ['ignore', 'pipe', 'pipe'],
  detached: true,
  ...(uid && gid ? { uid: Number(uid), gid: Number(gid) } : {}),
});
server.stdout.pipe(process.stdout, { end: false });
server.stderr.pipe(process.stderr, { end: false });

function signalGroup(signal: string): void {
  try {
    if (server.pid !== undefined) process.kill(-server.pid, signal);
  } catch {
    // The group has ended already.
  }
}

const input = createInterface({ input: process.stdin });
input.on('line', signalGroup);
input.on('close', () => {
  ownerGone = true;
  signalGroup(lastSignal);
  setTimeout(() => signalGroup('SIGKILL'), KILL_AFTER_MS).unref();
});

server.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`);
  finish(127);
});
server.on('exit', (code) => {
  // What the server started itself (Erlang's port mapper) goes with it.
  signalGroup('SIGKILL');
  finish(code ?? 1);
});

function finish(code: number): void {
  if (ownerGone) rmSync(folder as string, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
