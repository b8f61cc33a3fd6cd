import { expect, test } from 'vitest';
import { answering, type BrokenCollector, refusing, resetting, silent } from '../support/broken-collectors.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Ended, runToEnd } from '../support/run-job.ts';

const BUDGET_MS = 800;
/** For collectors that the exporter gives up on at once: more than `SLACK_MS`, so that waiting for it shows. */
const LONG_BUDGET_MS = 8_000;
/** What a busy machine may add to a run that would take a tenth of that; less than the exporter's own timeout of 10 s. */
const SLACK_MS = 4_000;

interface Case {
  readonly does: string;
  readonly start: () => Promise<BrokenCollector>;
  readonly reason: string;
  /** Whether the exporter has given up before the budget is used. */
  readonly atOnce?: boolean;
}

const CASES: readonly Case[] = [
  { does: 'refuses connections', start: refusing, reason: 'the connection was refused' },
  { does: 'answers 400', start: () => answering(400), reason: 'the collector answered 400', atOnce: true },
  { does: 'answers 500', start: () => answering(500), reason: 'the collector answered 500', atOnce: true },
  { does: 'answers 503', start: () => answering(503), reason: 'the collector answered 503' },
  {
    does: 'answers 429 with a Retry-After of a minute',
    start: () => answering(429, { 'retry-after': '60' }),
    reason: 'the collector answered 429',
    atOnce: true,
  },
  {
    does: 'answers 429 with a Retry-After of two seconds',
    start: () => answering(429, { 'retry-after': '2' }),
    reason: 'the collector answered 429',
  },
  {
    does: 'is the page of another service',
    start: () => answering(200, { 'content-type': 'text/html' }, '<!doctype html><title>Log in</title>'),
    reason: 'the answer is a web page, and not that of a collector',
    atOnce: true,
  },
  { does: 'hangs after it accepts', start: () => silent('http'), reason: 'no answer in time' },
  { does: 'resets connections', start: resetting, reason: 'the connection was reset' },
  { does: 'never completes TLS', start: () => silent('https'), reason: 'no answer in time' },
];

const run = (url: string, { job = ['traced'], budgetMs = BUDGET_MS } = {}): Promise<Ended> =>
  runToEnd(job, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SHUTDOWN_TIMEOUT_MS: String(budgetMs), OTEL_LOGS_EXPORTER: 'otlp' },
  });

test.for(CASES)('a collector that $does costs at most the budget, and one warning', async (broken, { annotate }) => {
  await using healthy = await startOtlpReceiver();
  const good = await run(healthy.url);
  await using collector = await broken.start();
  const budgetMs = broken.atOnce ? LONG_BUDGET_MS : BUDGET_MS;
  const bad = await run(collector.url, { budgetMs });

  expect(bad.exitCode).toBe(0);
  expect(bad.summary).toMatchObject({ status: 'succeeded', telemetryFlushed: false });
  const warnings = bad.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^telemetry was lost: 6 of 6 spans \(.+\), \d+ of \d+ metric points \(.+\), \d+ of \d+ log/,
  );
  expect(warnings[0]).toContain(`(${broken.reason})`);
  const delay = bad.tookMs - good.tookMs;
  await annotate(`delay: ${Math.round(delay)} ms of ${budgetMs}`, 'measured');
  expect(delay).toBeLessThan((broken.atOnce ? 0 : BUDGET_MS) + SLACK_MS);
});

test.for(['http/json', 'http/protobuf'])(
  'a collector that takes all and says so in words of its own has it (%s)',
  async (protocol) => {
    await using collector = await answering(200, { 'content-type': 'text/plain' }, '{accepted}');
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_LOGS_EXPORTER: 'otlp' };
    const { exitCode, summary, lines } = await runToEnd(['traced'], {
      env: { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
    });
    expect({ exitCode, flushed: summary.telemetryFlushed }).toEqual({ exitCode: 0, flushed: true });
    expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      "OpenTelemetry: the collector's answers can't be read; what was sent is taken to have arrived",
    ]);
  },
);

test('a page in the place of a collector is told in protobuf too', async () => {
  await using page = await answering(200, {}, '<!doctype html><title>Log in</title>');
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: page.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  const { summary, stdout } = await runToEnd(['traced'], { env });
  expect(summary).toMatchObject({ status: 'succeeded', telemetryFlushed: false });
  expect(stdout).toContain('6 of 6 spans (the answer is a web page, and not that of a collector)');
  expect(stdout).not.toContain('doctype');
});

test('a run that fails keeps its exit code when the collector is down', async () => {
  await using collector = await refusing();
  const { exitCode, summary } = await run(collector.url, { job: ['traced', '--param', 'end=fails'] });

  expect(exitCode).toBe(1);
  expect(summary).toMatchObject({ status: 'failed', telemetryFlushed: false });
});

test('no budget is no wait', async () => {
  await using collector = await silent('http');
  const { exitCode, summary } = await runToEnd(['traced'], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SHUTDOWN_TIMEOUT_MS: '0' },
  });

  expect(exitCode).toBe(0);
  expect(summary.telemetryFlushed).toBe(false);
});

test('spans that the queue had no room for are counted as lost', async () => {
  await using receiver = await startOtlpReceiver();
  const { lines, summary } = await runToEnd(['traced', '--param', 'spans=50'], {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
    },
  });

  expect(summary.telemetryFlushed).toBe(false);
  const made = 50 + 6;
  const lost = made - receiver.spans.length;
  expect(lost).toBeGreaterThan(0);
  expect(lines.find(({ msg }) => msg.startsWith('telemetry was lost'))?.msg).toContain(`${lost} of ${made} spans`);
});

test.for(['http/json', 'http/protobuf'])(
  'what the collector took only in part is counted as lost (%s)',
  async (protocol) => {
    await using receiver = await startOtlpReceiver({ rejectSpans: 2 });
    const { lines, summary } = await runToEnd(['traced'], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
    });

    expect(summary.telemetryFlushed).toBe(false);
    expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      expect.stringContaining('2 of 6 spans (refused by the collector: quota exceeded)'),
    ]);
  },
);
