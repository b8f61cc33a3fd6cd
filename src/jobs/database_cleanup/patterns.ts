// Matches tables against names and patterns that an operator wrote.
import { identifier } from './sql.ts';

interface Named {
  readonly schema: string;
  readonly name: string;
}

/** The spellings of a table's name, `billing.transactions` and `transactions`: with its schema, and without. */
function spellings({ schema, name }: Named): readonly [qualified: readonly string[], bare: readonly string[]] {
  const quoted = identifier(name);
  const qualified = [schema, identifier(schema)].flatMap((before) => [`${before}.${name}`, `${before}.${quoted}`]);
  return [qualified, [name, quoted]];
}

/** Whether a name or pattern means this table: `transactions`, `billing.transactions`, `"Odd Name"`, `audit_*`. */
export function means(pattern: string, table: Named): boolean {
  if (spellings(table).flat().includes(pattern)) return true;
  if (!pattern.includes('*')) return false;
  const expression = new RegExp(`^${pattern.split('*').map(quoteMeta).join('.*')}$`, 'su');
  return expression.test(table.name) || expression.test(`${table.schema}.${table.name}`);
}

const quoteMeta = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/**
 * What an override says of this table: one that names it with its schema goes before one that names it without, and that before the first
 * pattern that means it, in whatever order they are written.
 */
export function overrideFor<T>(overrides: Readonly<Record<string, T>>, table: Named): T | undefined {
  const keys = Object.keys(overrides);
  const [qualified, bare] = spellings(table);
  const key =
    keys.find((each) => qualified.includes(each)) ??
    keys.find((each) => bare.includes(each)) ??
    keys.find((each) => means(each, table));
  return key === undefined ? undefined : overrides[key];
}
