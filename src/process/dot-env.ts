// `.env` in the working directory fills what the environment doesn't set (https://12factor.net/config).
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from '../errors.ts';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * Reads `.env`, if there is one, into `env`.
 * @throws {ConfigError} it can't be read, or holds a line that sets nothing: whoever wrote it would miss its variable
 */
export function loadDotEnv(env: NodeJS.ProcessEnv, path = '.env'): void {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new ConfigError(`The file .env can't be read (${code}): mend or remove it`, { cause: error });
  }
  const text = decode(bytes).replaceAll('\r\n', '\n');
  checkLines(text);
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}

function decode(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ConfigError('The file .env is not UTF-8, as an editor on Windows may have saved it: save it as UTF-8');
  }
  if (text.includes('\0')) throw new ConfigError('The file .env holds a NUL character: save it as UTF-8, without NULs');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

const ASSIGNMENT = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=\s*(["'`]?)(.*)$/;

/** Node's parser passes over in silence what it can't read. */
function checkLines(text: string): void {
  let open: { readonly quote: string; readonly line: number } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (open) {
      if (line.includes(open.quote)) open = undefined;
      continue;
    }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [assignment, quote = '', rest = ''] = ASSIGNMENT.exec(line) ?? [];
    if (assignment === undefined) {
      throw new ConfigError(`The file .env has a line ${index + 1} that isn't NAME=value: mend or remove it`);
    }
    if (quote !== '' && !rest.includes(quote)) open = { quote, line: index + 1 };
  }
  if (open) throw new ConfigError(`The file .env has a quote in line ${open.line} that nothing closes: close it`);
}
