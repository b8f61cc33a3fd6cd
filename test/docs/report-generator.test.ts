// The documented example is a message that the job could have sent.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { toMessage } from '../../src/jobs/report_generator/message.ts';
import { report } from '../../src/jobs/report_generator/report.ts';

test('the example message of docs/jobs/report-generator.md is what the job makes of its own report', () => {
  const text = readFileSync('docs/jobs/report-generator.md', 'utf8');
  const example = JSON.parse(/```json\n(.*?)```/s.exec(text)?.[1] ?? '');
  const message = toMessage(v.parse(report, example.data), {});
  expect(JSON.parse(Buffer.from(message.body).toString())).toEqual(example);
});
