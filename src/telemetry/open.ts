// Opens telemetry as the OTEL_* variables ask for it. The SDK is loaded only when something is to be sent.
import type { Telemetry } from '../runner/ports.ts';
import { noTelemetry } from './noop.ts';
import type { TelemetryOptions } from './options.ts';
import { readSettings } from './settings.ts';

export type { TelemetryOptions } from './options.ts';

/** Opens the run's trace and metrics. Never throws: what is wrong is a warning in the log, and the run goes on without. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  try {
    const settings = readSettings(options.env);
    for (const warning of settings.warnings) options.log.warn(warning);
    if (!settings.on) return noTelemetry(options.env);
    const { openSdk } = await import('./sdk.ts');
    return openSdk(options, settings);
  } catch (error) {
    options.log.warn('telemetry could not be started; the run goes on without it', { error });
    return noTelemetry(options.env);
  }
}
