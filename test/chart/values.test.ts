// The values: every one is exercised by a file under ci/, and none is unknown to the schema, the runner or the other way round.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ENVIRONMENT } from '../../src/app/environment.ts';
import { CHART, ciFiles } from './support/chart.ts';

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema & {
  definitions: Record<string, Schema>;
};
const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Record<string, unknown>;

/**
 * Walks the schema beside values, and yields every field with whether the values set it. A field of a definition has one name
 * wherever the definition is used: `jobs.x.timeout` and `jobDefaults.timeout` are both `job.timeout`. Without values, all are named.
 */
function* walk(node: Schema, path: string, value: unknown): Generator<{ path: string; isSet: boolean }> {
  const name = node.$ref?.replace('#/definitions/', '');
  const at = name ? (schema.definitions[name] ?? {}) : node;
  const own = Object.entries(at.properties ?? {});
  const here = name && own.length > 0 ? name : path;
  const map = typeof at.additionalProperties === 'object' && own.length === 0 ? at.additionalProperties : undefined;
  const inner = at.items ?? map;
  if (own.length === 0 && !fieldsWithin(inner)) {
    yield { path, isSet: value !== undefined };
    return;
  }
  const values = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (inner && own.length === 0) {
    const entries = Object.values(values);
    for (const entry of entries.length > 0 ? entries : [undefined]) yield* walk(inner, path, entry);
    return;
  }
  for (const [key, child] of own) {
    // Some are there only to be refused in a sentence.
    if (/^Refused/.test(child.description ?? '')) continue;
    yield* walk(child, here ? `${here}.${key}` : key, values[key]);
  }
}

/** Whether a schema leads to fields with names of their own. */
function fieldsWithin(node: Schema | undefined): boolean {
  const name = node?.$ref?.replace('#/definitions/', '');
  const at = name ? schema.definitions[name] : node;
  return Object.keys(at?.properties ?? {}).length > 0 || (at?.items !== undefined && fieldsWithin(at.items));
}

describe('values', () => {
  test('that the schema knows are each set in a file under ci/', () => {
    const covered = new Set<string>();
    for (const file of ciFiles) {
      for (const { path, isSet } of walk(schema, '', parse(readFileSync(file, 'utf8')) ?? {}))
        if (isSet) covered.add(path);
    }
    const all = [...new Set([...walk(schema, '', {})].map(({ path }) => path))];
    expect(all.length).toBeGreaterThan(120);
    expect(all.filter((path) => !covered.has(path))).toEqual([]);
  });

  test('have a default, unless only a user can know them', () => {
    const isSet = new Map<string, boolean>();
    for (const field of walk(schema, '', values)) isSet.set(field.path, field.isSet || isSet.get(field.path) === true);
    const unset = [...isSet].filter(([, there]) => !there).map(([path]) => path);
    const free =
      /^(job\.(job|name|schedule)|config\.|peer\.|container\.|volume|(pod|container)SecurityContext\.|seccompProfile\.|imagePullSecrets|secret\.refs|job\.(blackouts|after|tolerations|affinity|topology|hostAliases|dnsConfig|image|imagePullSecrets|envFrom)|networkPolicy\.extraEgress|console\.(tokenSecret|httpRoute\.parentRefs))/;
    expect(unset.filter((path) => !free.test(path))).toEqual([]);
  });

  test('of config are the variables that the runner reads', () => {
    const OURS = [
      'POD_NAME',
      'POD_NAMESPACE',
      'JOB_NAME',
      'JOB_UID',
      'CRONJOB_NAME',
      'NODE_NAME',
      'JOB_COMPLETION_INDEX',
      'RUN_JOB_SHARDS',
      'RUN_JOB_SLOTS',
      'RUN_JOB_SCHEDULE',
      'RUN_JOB_TIME_ZONE',
      'RUN_JOB_CATCH_UP',
      'RUN_JOB_CONSOLE_TOKEN',
      'RUN_JOB_SHUTDOWN_URLS',
      'WORKER_CHECKPOINT_FILE',
      'RUN_JOB_RETRIES',
    ];
    const read = Object.keys(ENVIRONMENT).filter((name) => !OURS.includes(name) && !name.startsWith('OTEL_'));
    expect(Object.keys(schema.properties?.config?.properties ?? {}).sort()).toEqual(read.sort());
  });
});
