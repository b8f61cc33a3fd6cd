// Opens the run's telemetry.
import type { Telemetry } from '../runner/ports.ts';
import { noTelemetry } from '../telemetry/noop.ts';

export async function openTelemetry(options: { env: NodeJS.ProcessEnv }): Promise<Telemetry> {
  return noTelemetry(options.env);
}
