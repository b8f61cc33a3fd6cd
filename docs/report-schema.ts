// The JSON Schema of the weekly report, made from the valibot schema that every report is checked against.
import { toJsonSchema } from '@valibot/to-json-schema';
import { definitions, report, SCHEMA_ID } from '../src/jobs/report_generator/report.ts';

/** The text of docs/jobs/report-generator.schema.json. */
export function reportSchema(): string {
  const { $schema, ...schema } = toJsonSchema(report, { target: 'draft-2020-12', definitions });
  return `${JSON.stringify({ $schema, $id: SCHEMA_ID, ...schema }, undefined, 2)}\n`;
}
