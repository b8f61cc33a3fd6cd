// Matches tables against names and patterns that an operator wrote.
import { identifier } from './sql.ts';

/** Whether a name or pattern means this table: `transactions`, `billing.transactions`, `"Odd Name"`, `audit_*`. */
export function means(pattern: string, table: { readonly schema: string; readonly name: string }): boolean {
  const { schema, name } = table;
  const quoted = identifier(name);
  const spellings = [
    name,
    quoted,
    `${schema}.${name}`,
    `${identifier(schema)}.${quoted}`,
    `${schema}.${quoted}`,
    `${identifier(schema)}.${name}`,
  ];
  if (spellings.includes(pattern)) return true;
  if (!pattern.includes('*')) return false;
  const expression = new RegExp(`^${pattern.split('*').map(quoteMeta).join('.*')}$`, 'su');
  return expression.test(name) || expression.test(`${schema}.${name}`);
}

const quoteMeta = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** What an override says of this table; the first key that means it wins. */
export function overrideFor<T>(
  overrides: Readonly<Record<string, T>>,
  table: { readonly schema: string; readonly name: string },
): T | undefined {
  const key = Object.keys(overrides).find((pattern) => means(pattern, table));
  return key === undefined ? undefined : overrides[key];
}
