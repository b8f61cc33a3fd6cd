// Strict reading of a command's flags: citty lets unknown flags pass and keeps only the last of a repeated one.
import { parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { didYouMean } from '../../app/suggest.ts';
import { UsageError } from '../../errors.ts';

/** Flags that every command has. */
const COMMON = { help: { type: 'boolean', short: 'h' } } as const;

/** What stood on the command line, by flag: every value of it, in order. */
export interface StrictArguments {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/**
 * Checks a command line against citty's definition of the command's arguments.
 * @throws {UsageError} an unknown flag, a flag without its value, a value where none belongs, or too many arguments
 */
export function checkArguments(rawArgs: readonly string[], definition: ArgsDef, command: string): StrictArguments {
  const flags = Object.entries(definition).filter(([, { type }]) => type !== 'positional');
  const options = Object.fromEntries(
    flags.map(([name, { type }]) => [
      name,
      { type: type === 'boolean' ? 'boolean' : 'string', multiple: true } as const,
    ]),
  );
  const { tokens } = parseArgs({
    args: [...rawArgs],
    options: { ...COMMON, ...options },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const names = flags.map(([name]) => `--${name}`);
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(definition, token.name) ? definition[token.name] : undefined;
    if (!flag || flag.type === 'positional') {
      if (Object.hasOwn(COMMON, token.name)) continue;
      throw new UsageError(
        `${command} has no flag ${token.rawName}${didYouMean(token.rawName, names) || '.'} It takes ${tellNames(names)}`,
      );
    }
    if (flag.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
      values.set(token.name, ['true']);
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} <${flag.valueHint ?? 'value'}>`);
    }
    const { options: allowed } = flag as { options?: readonly string[] };
    if (allowed && !allowed.includes(token.value)) {
      throw new UsageError(
        `${token.rawName} must be ${allowed.join(', ')}, and is ${token.value}${didYouMean(token.value, allowed)}`,
      );
    }
    values.set(token.name, [...(values.get(token.name) ?? []), token.value]);
  }
  const room = Object.values(definition).filter(({ type }) => type === 'positional').length;
  if (positionals.length > room) {
    throw new UsageError(
      `${command} takes ${room === 0 ? 'no arguments' : `at most ${room} argument`}, and got ${positionals.join(' ')}`,
    );
  }
  const missing = Object.entries(definition)
    .filter(([, { type }]) => type === 'positional')
    .slice(positionals.length)
    .find(([, { required }]) => required);
  if (missing) throw new UsageError(`${command} needs an argument: ${command} <${missing[0]}>`);
  return { values, positionals };
}

function tellNames(names: readonly string[]): string {
  return names.length > 0 ? `${names.join(', ')} and --help` : '--help';
}
