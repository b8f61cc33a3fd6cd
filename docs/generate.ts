// Writes what is made from the code: .env.example, and the tables between markers in docs/. A test checks for drift.
import { readFileSync, writeFileSync } from 'node:fs';
import { params as cleanupParams } from '../src/jobs/database_cleanup/params.ts';
import { params as reportParams } from '../src/jobs/report_generator/params.ts';
import { envExample } from './env-example.ts';
import { parametersTable } from './parameters.ts';
import { reportSchema } from './report-schema.ts';
import { describeVariables, type Variable } from './variables.ts';

/** The jobs that ship, with their parameters. */
const JOBS = { database_cleanup: cleanupParams, report_generator: reportParams };

/** A file that is generated, whole or between two markers. */
export interface Generated {
  readonly path: string;
  readonly content: string;
}

/** What each generated file should hold. */
export function generate(): Generated[] {
  const variables = describeVariables();
  return [
    { path: '.env.example', content: envExample(variables, JOBS) },
    { path: 'docs/jobs/report-generator.schema.json', content: reportSchema() },
    ...Object.entries(JOBS).map(([job, schema]) => {
      const path = `docs/jobs/${job.replace('_', '-')}.md`;
      return { path, content: between(path, 'parameters', parametersTable(schema)) };
    }),
    {
      path: 'docs/environment.md',
      content: between('docs/environment.md', 'environment', environmentTable(variables)),
    },
  ];
}

function environmentTable(variables: readonly Variable[]): string {
  const rows = variables.map(
    ({ name, fallback, description }) => `| \`${name}\` | ${fallback && `\`${fallback}\``} | ${description} |`,
  );
  return ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function between(path: string, marker: string, content: string): string {
  const [begin, end] = [`<!-- begin ${marker} -->`, `<!-- end ${marker} -->`];
  const text = readFileSync(path, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} lacks the markers ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

if (import.meta.main) for (const { path, content } of generate()) writeFileSync(path, content);
