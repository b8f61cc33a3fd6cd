// A machine whose resolver never answers: for one process, by a resolv.conf of its own.
import { type ExecFileException, execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { EXECUTABLE } from './built.ts';
import { FIXTURES } from './run-job.ts';

/** Of this process alone: the port is the same for all. */
const ADDRESS = `127.101.${(process.pid >> 8) & 255}.${process.pid & 255}`;

/** Whether a process can be given a resolv.conf of its own here. */
export const canUnshare = (() => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return userInfo().uid === 0;
  } catch {
    return false;
  }
})();

const SCRIPT = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';

/** Runs the built executable where a name that isn't this machine's takes 30 s until it is given up. */
export async function runDeaf(args: readonly string[], env: Readonly<Record<string, string>>) {
  await using stack = new AsyncDisposableStack();
  const resolver = stack.adopt(createSocket('udp4'), (socket) => void socket.close());
  resolver.bind(53, ADDRESS);
  await once(resolver, 'listening');
  const resolvConf = join(inject('scratchFolder'), `resolv-${ADDRESS}.conf`);
  writeFileSync(resolvConf, `nameserver ${ADDRESS}\noptions timeout:10 attempts:3\n`);
  const command = ['--mount', 'sh', '-c', SCRIPT, 'sh', resolvConf, process.execPath, EXECUTABLE, ...args];
  const startedAt = performance.now();
  const { promise, resolve } = Promise.withResolvers<{ error: ExecFileException | null; stdout: string }>();
  execFile(
    'unshare',
    command,
    {
      env: {
        PATH: process.env.PATH,
        RUN_JOB_DIRS: FIXTURES,
        RUN_JOB_TERMINATION_LOG: join(inject('scratchFolder'), 'deaf-termination-log'),
        ...env,
      },
    },
    (error, stdout) => resolve({ error, stdout }),
  );
  const { error, stdout } = await promise;
  return { code: error?.code ?? 0, stdout, tookMs: performance.now() - startedAt };
}
