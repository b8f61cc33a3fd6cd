// The description of the API, made of the schemas that it answers with. https://spec.openapis.org/oas/v3.1.1.html
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { JobDetail, Jobs, JobsQuery, Night, NightQuery, Now, Problem, RunDetail } from './schemas.ts';

const schemaOf = (schema: v.GenericSchema) => {
  const { $schema: _, ...rest } = toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'input' });
  return rest;
};

const json = (schema: string) => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
});

const problems = {
  '401': { description: 'Who asks is not known', ...json('Problem') },
  '503': { description: 'The database is out of reach, and nothing is known', ...json('Problem') },
};

/** The parameters of a query, each with its schema. */
function inQuery(schema: typeof JobsQuery | typeof NightQuery) {
  const { properties = {} } = schemaOf(schema);
  return Object.entries(properties).map(([name, own]) => ({ name, in: 'query', required: false, schema: own }));
}

const inPath = (name: string) => [{ name, in: 'path', required: true, schema: { type: 'string' } }];

const get = (operationId: string, summary: string, schema: string, parameters: readonly unknown[] = [], more = {}) => ({
  get: {
    operationId,
    summary,
    parameters,
    responses: { '200': { description: summary, ...json(schema) }, ...problems, ...more },
  },
});

const missing = { '404': { description: 'There is none', ...json('Problem') } };
const wrong = { '400': { description: 'A parameter is not what it should be', ...json('Problem') } };

/** As `GET /api/v1/openapi.json` answers it. */
export function openApi(version: string) {
  return {
    openapi: '3.1.1',
    info: {
      title: 'run-job console',
      version,
      description: 'How scheduled jobs stand. Read only; times are RFC 3339 in UTC, durations milliseconds.',
    },
    paths: {
      '/api/v1/jobs': get('listJobs', 'All names, what needs a person first', 'Jobs', inQuery(JobsQuery), wrong),
      '/api/v1/jobs/{name}': get('getJob', 'One name', 'JobDetail', inPath('name'), missing),
      '/api/v1/runs/{id}': get('getRun', 'One run', 'RunDetail', inPath('id'), missing),
      '/api/v1/now': get('getNow', 'What runs now', 'Now'),
      '/api/v1/night': get('getNight', 'The last 24 hours', 'Night', inQuery(NightQuery), wrong),
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries({ Jobs, JobDetail, RunDetail, Now, Night, Problem }).map(([name, schema]) => [
          name,
          schemaOf(schema),
        ]),
      ),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ token: [] }, {}],
  };
}
