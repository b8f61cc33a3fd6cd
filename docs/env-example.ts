// .env.example: every variable that a run reads, with its default.
import { describeParams } from '../src/app/param-schema.ts';
import type { ParamsSchema } from '../src/job.ts';
import type { Variable } from './variables.ts';

const HEAD = `# Every variable that run-job reads. Copy this file to .env and uncomment what you change; the values are the defaults.
# A variable that is set in the environment wins over this file.`;

/** OpenTelemetry's own, which the SDK reads: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
const TELEMETRY = `# --- OpenTelemetry: nothing is sent, and no SDK loaded, until an endpoint is set. More in docs/telemetry.md ---

# Where traces, metrics and logs go (OTLP over HTTP)
#OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318

# Headers for it, such as a hosted backend's key
#OTEL_EXPORTER_OTLP_HEADERS=

# otlp to send log lines too
#OTEL_LOGS_EXPORTER=none

# The name under which the service appears
#OTEL_SERVICE_NAME=run-job

# true turns everything off
#OTEL_SDK_DISABLED=false`;

/** The file's text: the runner's own variables, each job's, and the most useful of OpenTelemetry's. */
export function envExample(variables: readonly Variable[], jobs: Readonly<Record<string, ParamsSchema>>): string {
  const own = variables.map(({ name, description, fallback }) => entry(name, description, fallback));
  const ofJobs = Object.entries(jobs).flatMap(([job, schema]) => [`# --- ${job} ---`, ...parameters(schema)]);
  return `${[HEAD, ...own, ...ofJobs, TELEMETRY].join('\n\n')}\n`;
}

function parameters(schema: ParamsSchema): string[] {
  return describeParams(schema).flatMap(({ env, description, fallback }) => {
    if (!env) return [];
    const value = typeof fallback === 'string' ? fallback : (JSON.stringify(fallback) ?? '');
    return [entry(env, description ?? '', value)];
  });
}

function entry(name: string, description: string, value: string): string {
  return `# ${description}\n#${name}=${value}`;
}
