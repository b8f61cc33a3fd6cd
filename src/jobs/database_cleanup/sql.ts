// Names and values as text of SQL.

/** A name, quoted, whatever characters it holds. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text value, quoted. The E form reads a backslash the same under any standard_conforming_strings. */
export const literal = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
