// What --help prints: at most 80 columns wide, plain where it isn't a terminal.
import type { ArgsDef, CommandDef, CommandMeta } from 'citty';
import { describeParams, type ParamInfo } from '../../app/param-schema.ts';
import { formatDuration } from '../../duration.ts';
import type { Job } from '../../job.ts';
import { wrap } from '../../log/wrap.ts';
import { REDACTED } from '../../runner/redact.ts';
import { secrecyOf } from '../../runner/secrets/names.ts';
import { RUN_ARGUMENTS } from '../commands/run-arguments.ts';
import { hintOf } from './arguments.ts';

const WIDTH = 80;
const MAX_LEFT = 28;

/** Rows of a name and what it means, the second column wrapped. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(MAX_LEFT, Math.max(0, ...rows.map(([name]) => name.length)));
  return rows
    .map(([name, text]) => {
      const lines = wrap(text, WIDTH - left - 4);
      const head = name.length > left ? `  ${name}\n${' '.repeat(left + 4)}` : `  ${name.padEnd(left)}  `;
      return `${head}${lines.join(`\n${' '.repeat(left + 4)}`)}`.trimEnd();
    })
    .join('\n');
}

/** Help of a command of ours. */
export function commandHelp(name: string, command: Pick<CommandDef<ArgsDef>, 'meta' | 'args'>): string {
  const meta = command.meta as CommandMeta | undefined;
  const args = (command.args ?? {}) as ArgsDef;
  const positionals = Object.entries(args).filter(([, { type }]) => type === 'positional');
  const usage = positionals.map(([arg, { required }]) => (required === false ? ` [${arg}]` : ` <${arg}>`)).join('');
  return `${[
    ...wrap(meta?.description ?? '', WIDTH),
    '',
    `Usage: run-job ${name}${usage} [flags]`,
    ...(positionals.length > 0
      ? ['', 'Arguments', columns(positionals.map(([arg, { description }]) => [arg, description ?? '']))]
      : []),
    '',
    'Flags',
    flags(args),
  ].join('\n')}\n`;
}

function flags(args: ArgsDef): string {
  const rows = Object.entries(args)
    .filter(([, { type }]) => type !== 'positional')
    .map(([flag, definition]) => {
      // The only value that there is stands as it is typed: in brackets it would look like the name of one.
      const { options } = definition as { options?: readonly string[] };
      const hint = options?.length === 1 ? hintOf(definition) : `<${hintOf(definition)}>`;
      const value = definition.type === 'boolean' ? '' : ` ${hint}`;
      return [`--${flag}${value}`, definition.description ?? ''] as const;
    });
  return columns([...rows, ['-h, --help', 'Show this help']]);
}

/**
 * Help of a job: what it does, its own parameters, and the flags of every run.
 * @param defaultTimeoutMs of a job that names none
 * @param redact hides secrets in what the author wrote; asked before lines are broken, which may part a secret
 */
export function jobHelp(job: Job, defaultTimeoutMs: number, redact: (text: string) => string): string {
  const params = describeParams(job.params);
  const facts = [
    `timeout ${job.timeout ?? `${formatDuration(defaultTimeoutMs)} (WORKER_DEFAULT_TIMEOUT_SECONDS)`}`,
    `attempts ${job.retry?.attempts ?? 1}`,
    `needs ${job.needs.join(', ') || 'nothing'}`,
  ];
  return `${[
    ...wrap(redact(job.description), WIDTH),
    '',
    `Usage: run-job ${job.name} [--param key=value]... [flags]`,
    '',
    `Job: ${facts.join('; ')}`,
    '',
    ...(params.length > 0
      ? [
          'Parameters (--param key=value, or all at once with --params)',
          columns(params.map((param) => [param.name, redact(tellParam(param))])),
        ]
      : ['This job takes no parameters.']),
    '',
    'Flags',
    flags(RUN_ARGUMENTS),
  ].join('\n')}\n`;
}

function tellParam({ name, description, type, required, fallback, env }: ParamInfo): string {
  const value = typeof fallback === 'function' ? 'computed' : tellDefault(name, fallback);
  const facts = [type, required ? 'required' : value !== undefined && `default ${value}`, env && `env ${env}`];
  return [description && `${description} `, `(${facts.filter(Boolean).join('; ')})`].filter(Boolean).join('');
}

/** A default may come from the environment of whoever asks for help. */
function tellDefault(name: string, fallback: unknown): string | undefined {
  return secrecyOf(name, fallback) === 'none' ? JSON.stringify(fallback) : REDACTED;
}
