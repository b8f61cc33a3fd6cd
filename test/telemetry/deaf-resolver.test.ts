import { expect, test } from 'vitest';
import { canUnshare, runDeaf } from '../support/deaf-resolver.ts';

test.runIf(canUnshare)(
  'a resolver that never answers costs at most the budget, and the exit code is kept',
  async () => {
    const { code, stdout, tookMs } = await runDeaf(['traced', '--param', 'end=fails'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.observability:4318',
      OTEL_SHUTDOWN_TIMEOUT_MS: '500',
    });

    expect(code).toBe(1);
    expect(stdout).toContain('telemetry was lost');
    expect(tookMs).toBeLessThan(5_000);
  },
);
