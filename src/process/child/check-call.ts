// What a program can be given at all: types say the same, where a job is written in TypeScript and somebody checks them.
import { ConfigError } from '../../errors.ts';
import type { ProgramOptions } from '../../runner/ports.ts';
import { MEANINGS } from './exit-code.ts';

/**
 * Values are told of by where they stand: they may be secrets.
 * @throws {ConfigError} the program is no text, its arguments no list of texts, or a code means what none can mean
 */
export function checkCall(program: unknown, args: unknown, { exitCodes = {} }: ProgramOptions): void {
  if (typeof program !== 'string') {
    throw new ConfigError(
      `What is to be run is ${kindOf(program)}: name the program and its arguments, such as ['ls', '-l']`,
    );
  }
  if (!Array.isArray(args)) {
    throw new ConfigError(`The arguments of ${program} are ${kindOf(args)}: write them as a list, such as ['-l']`);
  }
  for (const [at, arg] of args.entries()) {
    if (typeof arg !== 'string' && typeof arg !== 'number' && typeof arg !== 'bigint') {
      throw new ConfigError(`Argument ${at + 1} of ${program} is ${kindOf(arg)}: write a text`);
    }
    checkText(String(arg), `Argument ${at + 1} of ${program}`);
  }
  checkText(program, 'The program to run');
  for (const [code, meaning] of Object.entries(exitCodes)) {
    if (!MEANINGS.includes(meaning)) {
      throw new ConfigError(`exitCodes says that ${code} of ${program} means ${meaning}: write ${MEANINGS.join(', ')}`);
    }
  }
}

/**
 * Checks what the program finds in its environment.
 * @throws {ConfigError} a variable can't be given to any program
 */
export function checkEnvironment(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(env)) checkText(String(env[name]), `The variable ${name}`);
}

function checkText(text: string, what: string): void {
  if (!text.includes('\0')) return;
  throw new ConfigError(`${what} holds a NUL character, at which it would end for every program: leave it out`);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'a text' : `of type ${typeof value}`;
}
