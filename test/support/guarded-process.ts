// Starts a server under guard.ts: waits until it says that it is ready, and never leaves it or its folder behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** How a guarded server is started. */
export interface GuardedOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Removed when the owner of the server ends. */
  readonly folder: string;
  /** A line of output that means: it takes connections now. */
  readonly ready: RegExp;
  /** How long it may take to become ready. */
  readonly timeoutMs: number;
  /** What ends it when its owner has ended. */
  readonly lastSignal: NodeJS.Signals;
  /** Whom it runs as, when that isn't the owner. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** A running server. */
export interface GuardedProcess {
  /** Ends the server with `signal` and keeps its folder; resolves when it has ended. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Ends the server and removes its folder. */
  remove(): Promise<void>;
  /** Whether the server has ended. */
  readonly ended: boolean;
}

const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url));
const KEPT_OUTPUT = 8_192;

/**
 * Starts a server and waits until it is ready.
 * @throws {Error} with the server's last output, when it ends or stays silent before it is ready; its folder is gone then
 */
export async function startGuarded(options: GuardedOptions): Promise<GuardedProcess> {
  const { user } = options;
  const guard = spawn(
    process.execPath,
    [
      '--no-warnings',
      GUARD,
      options.lastSignal,
      options.folder,
      user ? String(user.uid) : '',
      user ? String(user.gid) : '',
      options.command,
      ...options.args,
    ],
    { env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  // The guard may end between our look and our write.
  guard.stdin.on('error', () => {});
  const exited = once(guard, 'exit');
  await outputMatches(guard, options).catch(async (error: unknown) => {
    guard.stdin.end();
    await exited;
    rmSync(options.folder, { recursive: true, force: true });
    throw error;
  });
  return {
    get ended() {
      return guard.exitCode !== null || guard.signalCode !== null;
    },
    async stop(signal) {
      if (guard.exitCode === null) guard.stdin.write(`${signal}\n`);
      await exited;
    },
    async remove() {
      guard.stdin.end();
      await exited;
      // The guard has done so, unless the server had ended before.
      rmSync(options.folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the output has a line that matches; keeps the output flowing afterwards, so that no pipe fills up. */
function outputMatches(guard: ChildProcess, { command, ready, timeoutMs }: GuardedOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => fail(`isn't ready after ${timeoutMs / 1000} s`), timeoutMs);
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`${command} ${what}. Its last words:\n${output}`));
    };
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
      if (!ready.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    guard.stdout?.on('data', read);
    guard.stderr?.on('data', read);
    guard.on('error', (error) => fail(`can't be started: ${error.message}`));
    guard.on('exit', (code) => fail(`ended with exit code ${code}`));
  });
}
