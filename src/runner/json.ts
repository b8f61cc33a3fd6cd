// Any value as plain JSON data, with a note of each place that JSON can't hold.

/** What came of a value: its plain form, and one sentence for each thing that had to be changed. */
export interface PlainJson {
  readonly value: unknown;
  readonly problems: readonly string[];
}

const MAX_DEPTH = 32;

/**
 * Copies a value into what JSON can hold. BigInts become decimal strings, cycles and what is too deep become a note in brackets,
 * a throwing getter or `toJSON` likewise. Never throws: a job that has done its work doesn't fail because of how it tells about it.
 */
export function toPlainJson(value: unknown): PlainJson {
  const problems: string[] = [];
  const ancestors = new Set<object>();

  const copy = (input: unknown, path: string): unknown => {
    switch (typeof input) {
      case 'bigint':
        problems.push(`${path} is a BigInt and was turned into a string`);
        return input.toString();
      case 'number':
        if (Number.isFinite(input)) return input;
        problems.push(`${path} is ${input} and was turned into null`);
        return null;
      case 'undefined':
        return undefined;
      case 'function':
      case 'symbol':
        problems.push(`${path} is a ${typeof input} and was left out`);
        return undefined;
      case 'object':
        return input === null ? null : copyObject(input, path);
      default:
        return input;
    }
  };

  const copyObject = (input: object, path: string): unknown => {
    if (ancestors.has(input)) {
      problems.push(`${path} refers back to itself and was cut`);
      return '[circular]';
    }
    if (ancestors.size >= MAX_DEPTH) {
      problems.push(`${path} is nested more than ${MAX_DEPTH} levels deep and was cut`);
      return '[too deep]';
    }
    ancestors.add(input);
    try {
      if ('toJSON' in input && typeof input.toJSON === 'function') return copy(input.toJSON(), path);
      if (Array.isArray(input)) return input.map((item, index) => copy(item, `${path}[${index}]`) ?? null);
      if (input instanceof Map) return copy(Object.fromEntries(input), path);
      if (input instanceof Set) return copy([...input], path);
      if (input instanceof Error) return { name: input.name, message: input.message, stack: input.stack };
      const entries: [string, unknown][] = [];
      for (const [key, item] of Object.entries(input)) {
        const plain = copy(item, `${path}.${key}`);
        if (plain !== undefined) entries.push([key, plain]);
      }
      return Object.fromEntries(entries);
    } catch (error) {
      const why = error instanceof Error ? ` (${error.name})` : '';
      problems.push(`${path} threw while it was read${why} and was cut`);
      return '[unreadable]';
    } finally {
      ancestors.delete(input);
    }
  };

  return { value: copy(value, 'result'), problems };
}
