// A collector behind TLS, with a CA of its own, that asks for a certificate as well.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificates } from '../rabbitmq/certificates.ts';
import { runToEnd } from '../support/run-job.ts';

test('a run and doctor reach it with the files that OTEL_EXPORTER_OTLP_* name, and not without', async () => {
  using certificates = makeCertificates();
  const { ca, server, client } = certificates;
  const [key, cert, trusted] = [server.key, server.cert, ca].map((path) => readFileSync(path));
  const paths = new Set<string | undefined>();
  const collector = createServer({ key, cert, ca: trusted, requestCert: true }, (request, response) => {
    paths.add(request.url);
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  }).listen(0, 'localhost');
  onTestFinished(() => void collector.close());
  await once(collector, 'listening');
  const bare = { OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${(collector.address() as AddressInfo).port}` };
  const env = {
    ...bare,
    OTEL_EXPORTER_OTLP_CERTIFICATE: ca,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.cert,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: client.key,
    OTEL_SHUTDOWN_TIMEOUT_MS: '20000',
  };

  const ended = await runToEnd(['noop'], { env });
  expect(ended.summary).toMatchObject({ status: 'succeeded', telemetryFlushed: true });
  expect(paths).toEqual(new Set(['/v1/traces', '/v1/metrics']));

  expect(await runToEnd(['doctor'], { env })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/ok +otlp .*HTTP 200/),
  });
  const wrong = { ...bare, OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' };
  const { exitCode, stdout } = await runToEnd(['doctor'], { env: wrong });
  expect(exitCode).toBe(78);
  expect(stdout).toMatch(/FAIL +otlp +OTEL_EXPORTER_OTLP_CERTIFICATE names a file that can't be read/);
  expect(stdout).toMatch(/FAIL +otlp .*doesn't answer/);
});
