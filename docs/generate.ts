// Writes what is made from the code: .env.example, and the tables between markers in README.md and docs/. A test checks for drift.
import { readFileSync, writeFileSync } from 'node:fs';
import { params as cleanupParams } from '../src/jobs/database_cleanup/params.ts';
import { parametersTable } from './parameters.ts';
import { reportSchema } from './report-schema.ts';
import { describeVariables, type Variable } from './variables.ts';

/** A file that is generated, whole or between two markers. */
export interface Generated {
  readonly path: string;
  readonly content: string;
}

/** What each generated file should hold. */
export function generate(): Generated[] {
  const variables = describeVariables();
  return [
    { path: '.env.example', content: envExample(variables) },
    { path: 'docs/jobs/report-generator.schema.json', content: reportSchema() },
    {
      path: 'docs/jobs/database-cleanup.md',
      content: between('docs/jobs/database-cleanup.md', 'parameters', parametersTable(cleanupParams)),
    },
    { path: 'README.md', content: between('README.md', 'environment', environmentTable(variables)) },
  ];
}

function envExample(variables: readonly Variable[]): string {
  const entries = variables.map(({ name, description, fallback }) => `# ${description}\n#${name}=${fallback}`);
  return `# Every variable that run-job reads. Copy this file to .env and uncomment what you change; the values are the defaults.\n\n${entries.join('\n\n')}\n`;
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
