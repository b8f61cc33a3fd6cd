// The table of values in the chart's README: every value with its default, and the comment above it in values.yaml.
import { isMap, type Pair, parseDocument, Scalar, type YAMLMap } from 'yaml';

/** One row of the table. */
export interface Value {
  readonly path: string;
  readonly fallback: string;
  readonly description: string;
}

const MARK = '-- ';

/** The text of a comment from its mark on, or undefined when it has none and describes no value. */
function described(comment: string | null | undefined): string | undefined {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  const first = lines.findIndex((line) => line.startsWith(MARK));
  return first < 0 ? undefined : lines.slice(first).join(' ').slice(MARK.length).trim();
}

function* rows(map: YAMLMap, prefix: string): Generator<Value> {
  for (const [index, item] of map.items.entries()) {
    const { key, value } = item as Pair<Scalar<string>, unknown>;
    const path = prefix ? `${prefix}.${key.value}` : key.value;
    // The comment above a map's first key belongs to the map.
    const description = described(key.commentBefore) ?? (index === 0 ? described(map.commentBefore) : undefined);
    if (description !== undefined) {
      const plain = value instanceof Scalar ? value.value : (value as YAMLMap | null)?.toJSON();
      yield { path, fallback: JSON.stringify(plain ?? null), description };
    } else if (isMap(value)) {
      yield* rows(value, path);
    } else {
      throw new Error(`${path} in values.yaml has no comment that begins with "${MARK}": say what it is for`);
    }
  }
}

/** Every value that values.yaml holds. @throws {Error} one isn't described */
export function valuesOf(yaml: string): Value[] {
  const { contents } = parseDocument(yaml);
  if (!isMap(contents)) throw new Error('values.yaml is no map');
  return [...rows(contents, '')];
}

const cell = (text: string) => text.replaceAll('|', '\\|');

/** The table in Markdown. */
export function valuesTable(yaml: string): string {
  const lines = valuesOf(yaml).map(
    ({ path, fallback, description }) => `| \`${path}\` | \`${cell(fallback)}\` | ${cell(description)} |`,
  );
  return ['| value | default | meaning |', '| --- | --- | --- |', ...lines].join('\n');
}
