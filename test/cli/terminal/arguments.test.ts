import { type ArgsDef, parseArgs } from 'citty';
import { describe, expect, test } from 'vitest';
import { RUN_ARGUMENTS } from '../../../src/cli/commands/run-arguments.ts';
import { readArguments } from '../../../src/cli/terminal/arguments.ts';

const DEFINITION = {
  job: { type: 'positional', required: false },
  limit: { type: 'string', valueHint: 'number', default: '20' },
  status: { type: 'enum', options: ['failed', 'lost'] },
  since: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies ArgsDef;

const read = (...rawArgs: string[]) => readArguments(rawArgs, DEFINITION, 'run-job history');

describe('what is on a command line', () => {
  test.each([
    { line: [] },
    { line: ['cleanup'] },
    { line: ['--json', 'cleanup'] },
    { line: ['cleanup', '--limit', '5', '--status=lost'] },
    { line: ['--limit=', '--since', '-5m'] },
    { line: ['--json', '--json', '--since', 'a', '--since', 'b=c'] },
    { line: ['--limit', '5', '--', '--json'] },
  ])('is what citty reads, where citty reads it right: $line', ({ line }) => {
    const { args } = read(...line);
    expect(args).toEqual({ job: undefined, ...parseArgs(line, DEFINITION) });
  });

  test('has every value of a repeated flag, in order', () => {
    const { args, repeated } = readArguments(
      ['--param', 'a=1', '--locked=wait', '--param=b=--c', '--param', 'a=2'],
      RUN_ARGUMENTS,
      'run-job hello',
    );
    expect(repeated.get('param')).toEqual(['a=1', 'b=--c', 'a=2']);
    expect(args.param).toBe('a=2');
    // As citty's types have it: no other value can be assigned.
    const locked: 'skip' | 'fail' | 'wait' | undefined = args.locked;
    expect(locked).toBe('wait');
  });
});

describe('a command line is refused in one sentence', () => {
  test.each([
    [
      ['--jsn'],
      'run-job history has no flag --jsn; did you mean --json? It takes --limit, --status, --since, --json and --help',
    ],
    [
      ['--no-json'],
      'run-job history has no flag --no-json; did you mean --json? It takes --limit, --status, --since, --json and --help',
    ],
    [['-x'], 'run-job history has no flag -x. It takes --limit, --status, --since, --json and --help'],
    [['--job=a'], 'run-job history has no flag --job. It takes --limit, --status, --since, --json and --help'],
    [
      ['--constructor'],
      'run-job history has no flag --constructor. It takes --limit, --status, --since, --json and --help',
    ],
    [['--json=yes'], '--json takes no value'],
    [['--limit'], '--limit needs a value: --limit <number>'],
    [['--since', '--json'], '--since needs a value: --since <value>'],
    [['--status', 'losst'], '--status must be one of failed, lost; did you mean lost?'],
    [['a', 'b'], 'run-job history takes at most 1 argument, and got 2; see run-job history --help'],
  ])('%j', (line, message) => {
    expect(() => read(...line)).toThrow(expect.objectContaining({ message, code: 'ERR_RUN_JOB_USAGE' }));
  });

  test('an argument that is missing', () => {
    const definition = { run: { type: 'positional', required: true } } as const satisfies ArgsDef;
    expect(() => readArguments([], definition, 'run-job show')).toThrow(
      'run-job show needs an argument: run-job show <run>',
    );
  });
});
