// Does anybody listen where telemetry is sent?
import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { explainNetworkError } from '../../telemetry/network-error.ts';
import { readSettings, SIGNALS, type Signal } from '../../telemetry/settings.ts';
import { type CollectorTls, readCollectorTls } from '../../telemetry/tls-files.ts';
import type { Finding } from './check.ts';

const check = 'otlp';

/** Sends each collector that the environment names an empty export, and takes any answer for a sign of life. */
export async function checkOtlp(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Finding[]> {
  const { destinations, warnings } = readSettings(env);
  const wrong = warnings.map((message): Finding => ({ check, verdict: 'misconfigured', message }));
  const targets = SIGNALS.filter((signal) => destinations[signal].otlp).map((signal) => ({
    signal,
    url: endpointOf(env, signal),
  }));
  if (targets.length === 0) {
    const message =
      'no telemetry is sent to a collector: OTEL_EXPORTER_OTLP_ENDPOINT is not set, or an exporter is off';
    return wrong.length > 0 ? wrong : [{ check, verdict: 'skipped', message }];
  }
  // The signals mostly share one collector, which is asked once.
  const collectors = Map.groupBy(targets, ({ url }) => url.origin);
  const answers = [...collectors.values()].flatMap(([first]) =>
    first ? [reach(env, first.signal, first.url, timeoutMs)] : [],
  );
  return [...wrong, ...(await Promise.all(answers)).flat()];
}

/** As the specification has it: an endpoint of the signal's own is taken as it is, the common one gets the signal's path. */
function endpointOf(env: NodeJS.ProcessEnv, signal: Signal): URL {
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]?.trim();
  if (own) return new URL(own);
  const common = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() ?? '';
  return new URL(`${common.replace(/\/$/, '')}/v1/${signal.toLowerCase()}`);
}

/** Spoken to as the exporters do, with the certificates that are theirs. */
async function reach(env: NodeJS.ProcessEnv, signal: Signal, url: URL, timeoutMs: number): Promise<Finding[]> {
  // Not the URL as it is: it may hold a user name and a password.
  const where = `${url.origin}${url.pathname}`;
  const findings: Finding[] = [];
  const tls = readCollectorTls(env, signal, (message) => findings.push({ check, verdict: 'misconfigured', message }));
  try {
    const status = await post(where, tls, timeoutMs);
    return [...findings, { check, verdict: 'ok', message: `${where} answers (HTTP ${status})` }];
  } catch (error) {
    const message = `${where} doesn't answer (${explainNetworkError(error as Error)}): check the endpoint and that the collector's OTLP/HTTP receiver is on; runs lose their telemetry and nothing else`;
    return [...findings, { check, verdict: 'unavailable', message }];
  }
}

/** Posts an empty export, and gives the status of the answer. */
function post(url: string, tls: CollectorTls, timeoutMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'content-type': 'application/json' };
  const options = { method: 'POST', headers, ...tls, agent: false as const };
  const request = (url.startsWith('https:') ? https : http)(url, options, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  });
  const timer = setTimeout(() => request.destroy(new Error(`no answer in ${timeoutMs / 1_000} s`)), timeoutMs);
  request.on('error', reject).end('{}');
  return promise.finally(() => clearTimeout(timer));
}
