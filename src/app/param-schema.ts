// What a job's valibot schema says of its parameters, found by walking it: for --help, and to read text as what it should be.
import type { GenericSchema } from 'valibot';
import type { ParamsSchema } from '../job.ts';

export type Schema = GenericSchema;

/** What is known of one parameter; found by walking its schema. */
export interface ParamInfo {
  readonly name: string;
  readonly schema: Schema;
  readonly description: string | undefined;
  readonly type: string;
  readonly required: boolean;
  readonly fallback: unknown;
  /** The environment variable that sets its default. */
  readonly env: string | undefined;
}

/** The parameters that a schema takes, in its own order. A schema whose entries can't be seen has none to tell. */
export function describeParams(schema: ParamsSchema | undefined): ParamInfo[] {
  const entries = schema && entriesOf(schema);
  if (!entries) return [];
  return Object.entries(entries).map(([name, entry]) => {
    const layers = layersOf(entry);
    const optional = layers.find((layer) => OPTIONAL.has(layer.type) && 'default' in layer);
    return {
      name,
      schema: entry,
      description: findAction<{ description: string }>(layers, 'description')?.description,
      type: typeName(layers.at(-1) ?? entry),
      required: !layers.some((layer) => OPTIONAL.has(layer.type)),
      fallback: (optional as { default?: unknown } | undefined)?.default,
      env: findAction<{ metadata: { env?: string } }>(layers, 'metadata')?.metadata.env,
    };
  });
}

interface Layer {
  readonly type: string;
  readonly wrapped?: Schema;
  readonly pipe?: readonly { readonly kind: string; readonly type: string }[];
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly entries?: Record<string, Schema>;
}

const OPTIONAL = new Set(['optional', 'exact_optional', 'nullish', 'undefinedable']);

/** The schema and all that it wraps, from the outside in. */
function layersOf(schema: Schema): Layer[] {
  const layers: Layer[] = [];
  for (let layer: Layer | undefined = schema as unknown as Layer; layer; layer = layer.wrapped as Layer | undefined) {
    layers.push(layer);
    const inner = layer.pipe?.[0] as unknown as Layer | undefined;
    if (inner && inner !== layer && inner.wrapped) {
      layers.push(inner);
      layer = inner;
    }
  }
  return layers;
}

function findAction<T>(layers: readonly Layer[], type: string): T | undefined {
  for (const layer of layers) {
    const action = layer.pipe?.find((item) => item.kind === 'metadata' && item.type === type);
    if (action) return action as unknown as T;
  }
  return undefined;
}

function entriesOf(schema: ParamsSchema): Record<string, Schema> | undefined {
  return layersOf(schema as unknown as Schema).find((layer) => layer.entries)?.entries;
}

function typeName(layer: Layer): string {
  if (layer.type === 'picklist' || layer.type === 'enum') return (layer.options ?? []).join('|');
  if (layer.type === 'union')
    return [...new Set((layer.options ?? []).map((option) => typeName(option as Layer)))].join('|');
  return layer.type.replace('_', ' ');
}
