// Reads a caller's trace from environment variables, named as OpenTelemetry's specification of that carrier says.
import type { TextMapGetter } from '@opentelemetry/api';
import type { Environment } from './options.ts';

/** `traceparent` is in `TRACEPARENT`, `x-b3-traceid` in `X_B3_TRACEID`. */
export const environmentGetter: TextMapGetter<Environment> = {
  keys: (env) => Object.keys(env),
  get: (env, key) => env[key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')],
};
