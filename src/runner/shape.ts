// How a value doesn't fit a valibot schema, told without anything of the value.
import type { CheckpointSchema } from '../job.ts';

/** Where and what, of the first issue; undefined when the value fits. */
export function problemIn(schema: CheckpointSchema | undefined, value: unknown): string | undefined {
  const issue = schema?.['~run']({ value }, {}).issues?.[0];
  return issue && tellIssue(schema, issue);
}

/** Where and what. */
export function tellIssue(schema: CheckpointSchema, { path, expected, kind }: Issue): string {
  const wanted = expected === null || kind !== 'schema' ? 'another value' : expected;
  return `at ${tellPath(schema, path ?? [])}, where it needs ${wanted}`;
}

/** What the schema itself names; the keys of a record are data. */
function tellPath(schema: unknown, path: readonly { readonly key: unknown }[]): string {
  const names: string[] = [];
  let at: unknown = schema;
  for (const { key } of path) {
    at = partOf(at, key);
    names.push(at === undefined ? '…' : String(key));
    if (at === undefined) break;
  }
  return names.join('.') || 'its top';
}

/** The parts of a schema that can have parts of their own, as valibot keeps them. */
interface Parts {
  readonly wrapped?: unknown;
  readonly pipe?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly item?: unknown;
  readonly items?: readonly unknown[];
}

/** The schema of what lies under a key; undefined where the schema doesn't name it. */
function partOf(schema: unknown, key: unknown): unknown {
  const { wrapped, pipe, options, entries, item, items } = (schema ?? {}) as Parts;
  if (typeof key === 'number') return items?.[key] ?? item ?? within(key, wrapped, pipe?.[0], options);
  const entry = typeof key === 'string' && entries && Object.hasOwn(entries, key) ? entries[key] : undefined;
  return entry ?? within(key, wrapped, pipe === undefined || entries ? undefined : pipe[0], options);
}

function within(key: unknown, wrapped: unknown, piped: unknown, options: readonly unknown[] = []): unknown {
  for (const inner of [wrapped, piped, ...options]) {
    if (typeof inner !== 'object' || inner === null) continue;
    const part = partOf(inner, key);
    if (part !== undefined) return part;
  }
  return undefined;
}

interface Issue {
  readonly kind: string;
  readonly expected: string | null;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}
