// The table of a job's parameters, from its schema.
import { describeParams } from '../src/app/param-schema.ts';
import type { ParamsSchema } from '../src/job.ts';

export function parametersTable(schema: ParamsSchema): string {
  const rows = describeParams(schema).map(({ name, fallback, env, description }) => {
    const value =
      fallback === undefined ? '' : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
    return `| \`${name}\` | ${value} | ${env ? `\`${env}\`` : ''} | ${description ?? ''} |`;
  });
  return ['| parameter | default | environment variable | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
