// The one reading of a command line, against citty's definition of the arguments. citty's own would let unknown flags pass, take a
// missing value for an empty one, and keep only the last of a repeated flag; it is never called.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { ArgDef, ArgsDef, ParsedArgs } from 'citty';
import { didYouMean } from '../../app/suggest.ts';
import { UsageError } from '../../errors.ts';

/** Flags that every command has. */
const COMMON = { help: { type: 'boolean', short: 'h' } } as const;

/** Whether a command line asks for help: behind `--` nothing is a flag. */
export function asksForHelp(rawArgs: readonly string[]): boolean {
  const end = rawArgs.indexOf('--');
  return (end === -1 ? rawArgs : rawArgs.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

/** A command line, read. */
export interface CommandLine<T extends ArgsDef> {
  /** The arguments as citty types them, defaults included; of a repeated flag, the last value. */
  readonly args: ParsedArgs<T>;
  /** Every value of the flags that take one and were given, in order. */
  readonly repeated: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads a command line.
 * @throws {UsageError} an unknown flag, a flag without its value, a value where none belongs, or too many or too few arguments
 */
export function readArguments<T extends ArgsDef>(
  rawArgs: readonly string[],
  definition: T,
  command: string,
): CommandLine<T> {
  const flags = Object.entries(definition).filter(([, { type }]) => type !== 'positional');
  const options = Object.fromEntries(
    flags.map(([name, { type }]) => [
      name,
      { type: type === 'boolean' ? 'boolean' : 'string', multiple: true } as const,
    ]),
  );
  // Most runs have no flags, and then Node need not load its parser.
  const tokens = rawArgs.length === 0 ? [] : tokensOf(rawArgs, { ...COMMON, ...options });
  const names = flags.map(([name]) => `--${name}`);
  const args: Record<string, string | boolean> = {};
  const repeated = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(definition, token.name) ? definition[token.name] : undefined;
    if (!flag || flag.type === 'positional') {
      if (Object.hasOwn(COMMON, token.name)) throw new UsageError(`${token.rawName} takes no value`);
      const meant = didYouMean(token.rawName, names) || asParam(token.rawName.slice(2), definition);
      throw new UsageError(`${command} has no flag ${token.rawName}${meant || '.'} It takes ${tellNames(names)}`);
    }
    if (flag.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
      args[token.name] = true;
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} <${hintOf(flag)}>`);
    }
    const { options: allowed } = flag as { options?: readonly string[] };
    if (allowed && !allowed.includes(token.value)) {
      throw new UsageError(`${token.rawName} must be one of ${allowed.join(', ')}${didYouMean(token.value, allowed)}`);
    }
    args[token.name] = token.value;
    repeated.set(token.name, [...(repeated.get(token.name) ?? []), token.value]);
  }
  const places = Object.entries(definition).filter(([, { type }]) => type === 'positional');
  if (positionals.length > places.length) {
    const [, key = ''] = /^(.*?)=/.exec(positionals[places.length] ?? '') ?? [];
    const meant = asParam(key, definition) || `; see ${command} --help`;
    throw new UsageError(
      `${command} takes ${places.length === 0 ? 'no arguments' : `at most ${places.length} argument`}, and got ${positionals.length}${meant}`,
    );
  }
  for (const [index, [name, { required }]] of places.entries()) {
    const value = positionals[index];
    if (value !== undefined) args[name] = value;
    else if (required !== false) throw new UsageError(`${command} needs an argument: ${command} <${name}>`);
  }
  for (const [name, { default: value }] of flags) if (value !== undefined) args[name] ??= value;
  return { args: { _: positionals, ...args } as unknown as ParsedArgs<T>, repeated };
}

/** A parameter of the job's that was taken for a flag or an argument. By its key alone: the value may be a secret. */
function asParam(key: string, definition: ArgsDef): string {
  return /^[A-Za-z_]\w*$/.test(key) && Object.hasOwn(definition, 'param') ? `; did you mean --param ${key}=…?` : '';
}

/** What a flag takes, as its help shows it. */
export function hintOf(flag: ArgDef): string {
  return flag.valueHint ?? (flag as { options?: readonly string[] }).options?.join('|') ?? 'value';
}

function tokensOf(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function tellNames(names: readonly string[]): string {
  return names.length > 0 ? `${names.join(', ')} and --help` : '--help';
}
