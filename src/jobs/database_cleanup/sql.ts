// Names and values as text of SQL.

/** A name, quoted, whatever characters it holds. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A table's name as people write it, and as no other table's: a part that holds a dot is quoted. */
export const labelOf = (schema: string, name: string): string =>
  [schema, name].map((part) => (part.includes('.') ? identifier(part) : part)).join('.');

/** What a statement goes to, without the word by which it leaves out the tables that inherit from it. */
export const withoutOnly = (target: string): string => target.replace(/^only /, '');

/** A text value, quoted. The E form reads a backslash the same under any standard_conforming_strings. */
export const literal = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
