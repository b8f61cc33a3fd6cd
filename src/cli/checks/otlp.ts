// Does anybody listen where telemetry is sent?
import { UnavailableError } from '../../errors.ts';
import { type Finding, find } from './check.ts';

const SIGNALS = ['traces', 'metrics', 'logs'] as const;

/** Sends each collector that the environment names an empty export, and takes any answer for a sign of life. */
export async function checkOtlp(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Finding[]> {
  const check = 'otlp';
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') {
    return [{ check, verdict: 'skipped', message: 'OTEL_SDK_DISABLED is true: no telemetry is sent' }];
  }
  const urls = SIGNALS.flatMap((signal) => endpointOf(env, signal) ?? []);
  if (urls.length === 0) {
    return [{ check, verdict: 'skipped', message: 'OTEL_EXPORTER_OTLP_ENDPOINT is not set: no telemetry is sent' }];
  }
  // The signals mostly share one collector, which is asked once.
  const collectors = Map.groupBy(urls, (url) => URL.parse(url)?.origin ?? url);
  return (
    await Promise.all([...collectors.values()].map(([url = '']) => find(check, () => reach(url, timeoutMs))))
  ).flat();
}

/** As the specification has it: an endpoint of the signal's own is taken as it is, the common one gets the signal's path. */
function endpointOf(env: NodeJS.ProcessEnv, signal: (typeof SIGNALS)[number]): string | undefined {
  const own = env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`]?.trim();
  if (own) return own;
  // Log lines are sent only where it is asked for.
  if (signal === 'logs' && env.OTEL_LOGS_EXPORTER !== 'otlp') return undefined;
  const common = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim();
  return common ? `${common.replace(/\/$/, '')}/v1/${signal}` : undefined;
}

async function reach(url: string, timeoutMs: number): Promise<Finding[]> {
  const check = 'otlp';
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    const message = 'OTEL_EXPORTER_OTLP_ENDPOINT, or that of a signal, must be a URL such as http://collector:4318';
    return [{ check, verdict: 'misconfigured', message }];
  }
  // The URL may hold a user name and a password.
  const where = `${parsed.origin}${parsed.pathname}`;
  try {
    const answer = await fetch(where, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return [{ check, verdict: 'ok', message: `${where} answers (HTTP ${answer.status})` }];
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error & { code?: string } };
    throw new UnavailableError(
      `${where} doesn't answer (${cause?.code ?? cause?.message ?? message}): check the endpoint and that the collector's OTLP/HTTP receiver is on; runs lose their telemetry and nothing else`,
    );
  }
}
