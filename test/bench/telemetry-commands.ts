// What telemetry costs: a run with traces and metrics on, beside the same libraries as they are installed.
import { fileURLToPath } from 'node:url';
import type { Command } from './measure.ts';

/** @param run A run of a job that does nothing. */
export function telemetryCommands(run: Command, collectorUrl: string): Command[] {
  const env = { ...run.env, OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl };
  const unbundled = fileURLToPath(new URL('unbundled-telemetry.mjs', import.meta.url));
  return [
    { name: 'run-job, traces and metrics on', args: run.args, env },
    { name: 'OpenTelemetry unbundled, no run-job', args: [unbundled], env },
  ];
}
