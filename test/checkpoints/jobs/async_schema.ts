// Declares schemas that give promises, as only a job whose types nobody checks can.
import { defineJob } from 'run-job';
import * as v from 'valibot';

const schema = v.objectAsync({ row: v.optional(v.number()) }) as unknown as v.GenericSchema<Record<string, unknown>>;

export default defineJob({
  name: 'async_schema',
  description: 'Declares what it should not',
  params: schema,
  checkpoint: schema,
  run: ({ params }) => params,
});
