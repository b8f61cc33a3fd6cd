// Does anybody listen where telemetry is sent?
import { UnavailableError } from '../../errors.ts';
import { readSettings, SIGNALS, type Signal } from '../../telemetry/settings.ts';
import { type Finding, find } from './check.ts';

const check = 'otlp';

/** Sends each collector that the environment names an empty export, and takes any answer for a sign of life. */
export async function checkOtlp(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Finding[]> {
  const { destinations, warnings } = readSettings(env);
  const wrong = warnings.map((message): Finding => ({ check, verdict: 'misconfigured', message }));
  const urls = SIGNALS.filter((signal) => destinations[signal].otlp).map((signal) => endpointOf(env, signal));
  if (urls.length === 0) {
    const message =
      'no telemetry is sent to a collector: OTEL_EXPORTER_OTLP_ENDPOINT is not set, or an exporter is off';
    return wrong.length > 0 ? wrong : [{ check, verdict: 'skipped', message }];
  }
  // The signals mostly share one collector, which is asked once.
  const collectors = Map.groupBy(urls, ({ origin }) => origin);
  const answers = [...collectors.values()].flatMap(([url]) => (url ? [find(check, () => reach(url, timeoutMs))] : []));
  return [...wrong, ...(await Promise.all(answers)).flat()];
}

/** As the specification has it: an endpoint of the signal's own is taken as it is, the common one gets the signal's path. */
function endpointOf(env: NodeJS.ProcessEnv, signal: Signal): URL {
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]?.trim();
  if (own) return new URL(own);
  const common = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() ?? '';
  return new URL(`${common.replace(/\/$/, '')}/v1/${signal.toLowerCase()}`);
}

async function reach({ origin, pathname }: URL, timeoutMs: number): Promise<Finding[]> {
  // Not the URL as it is: it may hold a user name and a password.
  const where = `${origin}${pathname}`;
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
