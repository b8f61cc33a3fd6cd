import { expect, test } from 'vitest';
import { canUnshare, runDeaf } from '../support/deaf-resolver.ts';

// Each name that is looked up holds a thread, and of libuv's own four only two are for that.
test.runIf(canUnshare)(
  'services whose names nobody knows keep the job’s own names from nobody',
  async () => {
    const { code, stdout, tookMs } = await runDeaf(['looks_up'], {
      LOG_FORMAT: 'json',
      RUN_JOB_CHECKINS: 'https://one.example.test/a,https://two.example.test/b,https://three.example.test/c',
      RUN_JOB_NOTIFY_TIMEOUT_MS: '500',
    });

    expect(code).toBe(0);
    expect(stdout.match(/the check-in with webhook at \w+\.example\.test failed \(no answer in time\)/g)).toHaveLength(
      3,
    );
    expect(tookMs).toBeLessThan(10_000);
  },
  40_000,
);
