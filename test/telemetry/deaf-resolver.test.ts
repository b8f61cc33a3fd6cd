import { execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { FIXTURES } from '../support/run-job.ts';

/** Whether a process can be given a resolv.conf of its own here. */
const canUnshare = (() => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return userInfo().uid === 0;
  } catch {
    return false;
  }
})();

test.runIf(canUnshare)(
  'a resolver that never answers costs at most the budget, and the exit code is kept',
  async () => {
    const resolver = createSocket('udp4');
    await new Promise<void>((resolve) => resolver.bind(53, '127.101.7.1', resolve));
    const resolvConf = join(inject('scratchFolder'), 'deaf-resolv.conf');
    writeFileSync(resolvConf, 'nameserver 127.101.7.1\noptions timeout:10 attempts:3\n');
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    const command = ['--mount', 'sh', '-c', script, 'sh', resolvConf, process.execPath, EXECUTABLE, 'traced'];
    const env = {
      PATH: process.env.PATH,
      RUN_JOB_DIRS: FIXTURES,
      RUN_JOB_TERMINATION_LOG: join(inject('scratchFolder'), 'deaf-termination-log'),
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.observability:4318',
      OTEL_SHUTDOWN_TIMEOUT_MS: '500',
    };

    const startedAt = performance.now();
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile('unshare', [...command, '--param', 'end=fails'], { env }, (error, stdout) => {
        resolve({ code: error?.code, stdout });
      });
    });
    const tookMs = performance.now() - startedAt;
    resolver.close();

    expect(code).toBe(1);
    expect(stdout).toContain('telemetry was lost');
    expect(tookMs).toBeLessThan(5_000);
  },
);
