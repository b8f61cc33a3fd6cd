// Names and values inside a text: JSON (also JSON in JSON), `key=value`, YAML, headers, flags, SQL, XML, and what PostgreSQL says of a row.

import { isPlaceholder, isSecretName, mayHoldSecretName, mayNameSecret, secrecyOf } from './names.ts';
import { looksOpaque } from './opaque.ts';

/** Where the value of a secret's name stands. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const LONGEST_NAME = 80;
const LONGEST_VALUE = 16 * 1024;
const LOOK = 256;

/** Between a name and its value; the name's closing quote, escaped or not, belongs to it. */
const SEPARATOR = /(\\{0,8}["'`]?)[ \t]{0,3}(=>|:=|[!=]==?|[=:]|%3[AD])(?:[ \t\r\n]{4,200}(?=["'`])|[ \t\r\n]{0,3})/gi;
const NAME_CHARACTER = /[\w.\-$[\]\u00c0-\uffff]/;
const OPENING_QUOTE = /\\{0,8}["'`]/y;
const BARE = /[^\s&;"'`<>|\\]{1,16384}/y;
const BLOCK = /[|>][+-]?[1-9]?[ \t]*\r?\n([ \t]+)/y;
/** Around a text of several lines in TOML and in Python. */
const FENCES = ['"', "'"].map((quote) => quote.repeat(3)) as [string, string];
const REST_OF_LINE = /[^\r\n"'`\\]{1,16384}/y;

/** A scheme before a credential, as in `Authorization: Bearer …`. */
const SCHEME = /^(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate|Bot|Key|AWS4-HMAC-SHA256)$/i;

/** Words and code that follow a name in a sentence, a type or a program, where a secret would stand in a setting. */
const WORD =
  /^(?:a|an|the|is|are|was|were|be|been|has|have|had|not?|non|must|should|shall|may|might|can|can't|cannot|could|will|would|did|does|do|too|to|of|in|on|at|by|for|from|as|if|or|and|but|so|such|than|then|this|that|these|those|it|its|who|whoever|whose|which|what|when|where|how|why|each|every|with|without|only|expected|got|invalid|valid|wrong|bad|incorrect|correct|missing|required|optional|expired|unknown|unexpected|denied|failed|fails|failure|error|rejected|refused|revoked|unauthorized|forbidden|found|given|set|unset|use[ds]?|using|see|set|check|please|enter|type|name|value|key|string|number|boolean|bool|object|array|list|text|varchar|bytea|any|unknown|never|void|null|none|nil|undefined|true|false|self|default|present|absent|hidden|masked|omitted|removed|rotated|changed|updated|deleted|created|await|async|new|typeof|function|return|authentication|authorization|length|characters?|bytes?|\d{1,3}|user:password|key=value)$/i;
const CODE =
  /^(?:[A-Za-z_$][\w$.]*\(|(?:process\.)?env\b|os\.|self\.|this\.|params?\.|ctx\.|config\.|secrets?\.|\/\/|:|\{|\[|\$\d|\$\(|@\w+$|:\w+$|%[sdjo]|\(|\?$|…|\.\.\.|\*+$)/;

/** The values that stand behind a secret's name, in order. Takes time in proportion to the text. */
export function* secretValues(text: string): Generator<Range> {
  if (!mayHoldSecretName(text)) return;
  let done = 0;
  SEPARATOR.lastIndex = 0;
  for (let found = SEPARATOR.exec(text); found; found = SEPARATOR.exec(text)) {
    const { index, 2: sign = '' } = found;
    const start = index + found[0].length;
    const name = nameBefore(text, index, done);
    if (name === '' || !mayNameSecret(name) || isOfParser(text, index - name.length)) continue;
    // Where nothing reads the name in its own way, its value may be one of another kind of secret.
    const range = valueAt(text, start, {
      name,
      sign,
      lineStart: isLineStart(text, index - name.length),
    });
    if (range === undefined) continue;
    yield range;
    done = range.end;
    SEPARATOR.lastIndex = Math.max(range.end, start);
  }
}

interface Place {
  readonly name: string;
  readonly sign: string;
  readonly lineStart: boolean;
}

function valueAt(text: string, start: number, place: Place): Range | undefined {
  const { name, sign, lineStart } = place;
  const block = sign === ':' && lineStart ? blockAt(text, start) : undefined;
  if (block !== undefined) {
    const lines = text.slice(block.start, block.end).split('\n');
    return lines.some((line) => secrecyOf(name, line.trim()) !== 'none') ? block : undefined;
  }
  const fence = text.slice(start, start + FENCES[0].length);
  if (FENCES.includes(fence)) {
    const from = start + fence.length;
    const end = text.indexOf(fence, from);
    const range = { start: from, end: end < 0 ? text.length : end };
    return secrecyOf(name, text.slice(from, range.end)) === 'none' ? undefined : range;
  }
  OPENING_QUOTE.lastIndex = start;
  const open = OPENING_QUOTE.exec(text)?.[0];
  if (open !== undefined) {
    const from = start + open.length;
    const end = closingQuote(text, from, open);
    const quoted = text.slice(from, end);
    // `typeof password === 'string'`, in a program.
    if (/^[!=]==?$/.test(sign) && WORD.test(quoted)) return undefined;
    return secrecyOf(name, quoted) === 'none' ? undefined : { start: from, end };
  }
  // An arrow function isn't a setting.
  if (sign === '=>') return undefined;
  // A value that isn't taken is looked at again for the pairs in it: at its beginning only, lest it take for ever.
  const begin = bareAt(text.slice(start, start + LOOK), 0);
  if (begin === '' || isReference(begin) || CODE.test(begin) || WORD.test(begin.replace(/[.,:!?)\]}]+$/, '')))
    return undefined;
  // `{ PGPASSWORD: password }`, likewise.
  if (sign === ':' && /^[a-z]+(?:[A-Z][a-z]+)*$/.test(begin) && isSecretName(begin)) return undefined;
  if (secrecyOf(name, /^-?\d+$/.test(begin) ? Number(begin) : begin) === 'none') return undefined;
  const value = bareAt(text, start);
  if (SCHEME.test(value)) return credentialAfter(text, start + value.length);
  // A cookie is a list, and what stands alone behind a name on a line of YAML is its value to the end.
  const whole = /cookie/i.test(name) ? sign === ':' : sign === ':' && lineStart && isSecretName(name);
  return { start, end: start + (whole ? restOfLine(text, start) : value).length };
}

/** The lines of a text in YAML that stands below its name, `password: |`: all that are indented as the first of them is. */
function blockAt(text: string, start: number): Range | undefined {
  BLOCK.lastIndex = start;
  const found = BLOCK.exec(text);
  if (found === null) return undefined;
  const [head, indent = ''] = found;
  const from = start + head.length;
  let end = from;
  do {
    const line = text.indexOf('\n', end);
    if (line < 0 || line - start > LONGEST_VALUE) return { start: from, end: text.length };
    end = line + 1;
  } while (text.startsWith(indent, end) || /^\r?\n/.test(text.slice(end, end + 2)));
  return { start: from, end: end - 1 };
}

/** Behind `Authorization: Bearer`. */
function credentialAfter(text: string, at: number): Range | undefined {
  const rest = restOfLine(text, at);
  const blank = rest.length - rest.trimStart().length;
  return isPlaceholder(rest.trim()) ? undefined : { start: at + blank, end: at + rest.trimEnd().length };
}

function restOfLine(text: string, start: number): string {
  REST_OF_LINE.lastIndex = start;
  return (REST_OF_LINE.exec(text)?.[0] ?? '').trimEnd();
}

/** Without what ends a sentence, a list or a bracket, and without the next pair of a list. */
function bareAt(text: string, start: number): string {
  BARE.lastIndex = start;
  const run = BARE.exec(text)?.[0] ?? '';
  return run.replace(/,[\w.-]{1,40}[=:].*$/s, '').replace(/[,.)}\]]+$/, '');
}

/** Where the text in quotes ends: at the same quote behind as many backslashes, else at the end of the line. */
function closingQuote(text: string, from: number, open: string): number {
  const quote = open.at(-1) ?? '"';
  const escapes = open.length - 1;
  const limit = Math.min(text.length, from + LONGEST_VALUE);
  for (let at = text.indexOf(quote, from); at >= 0 && at < limit; at = text.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\' && at - 1 - slashes >= from) slashes += 1;
    if (slashes === escapes || (escapes === 0 && slashes % 2 === 0)) return at - (escapes === 0 ? 0 : escapes);
  }
  const line = text.indexOf('\n', from);
  return line < 0 || line > limit ? limit : line;
}

function nameBefore(text: string, end: number, notBefore: number): string {
  let start = end;
  while (start > notBefore && end - start < LONGEST_NAME && NAME_CHARACTER.test(text[start - 1] ?? '')) start -= 1;
  return text.slice(start, end);
}

/** `Unexpected token: …` is what parsers say. */
function isOfParser(text: string, at: number): boolean {
  return /(?:unexpected|unknown|illegal) $/i.test(text.slice(Math.max(0, at - 12), at));
}

/** `config.credentials`, in a program. */
function isReference(text: string): boolean {
  return /^[A-Za-z_$][A-Za-z_$]*(?:\??\.[A-Za-z_$]+)+$/.test(text) && mayNameSecret(text);
}

function isLineStart(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 40), at);
  return /(?:^|\n)[ \t]*(?:-[ \t]+)?["']?$/.test(at > 40 ? `x${before}` : before);
}

const FLAG = /(?<![\w-])(--[A-Za-z][\w-]{1,60})([ \t]{1,3})([^\s"'-][^\s"']{0,4095})/g;
const LOGIN = /((?:^|\s)(?:-u|--user|--proxy-user)[ \t=]["']?[^\s:"']{1,100}:)([^\s"']{1,200})/g;
const SQL =
  /(\b(?:password|identified[ \t]+(?:with[ \t]+\S{1,60}[ \t]+)?by)[ \t]{1,3})(?:(E?')((?:[^']|''){1,4096})'|(\$\w{0,20}\$)([^$]{1,4096})\4)/gi;
/** What PostgreSQL says of a row that is there already: `Key (user_id, token)=(7, …)`. */
const KEY_OF_ROW = /\bKey \(([^()]{1,400})\)=\(([^\n]{1,4096}?)\)(?= |\.|$)/g;
/** `{ "name": "DB_PASSWORD", "value": "…" }` in JSON or YAML, as Kubernetes has variables. */
const NAMED =
  /(\bname(?:\\{0,8}["'])?[ \t]{0,3}[:=][ \t]{0,3}(?:\\{0,8}["'])?)([\w.-]{1,80})((?:\\{0,8}["'])?(?:[ \t\r\n,]|\\{1,8}[nrt]){1,80}(?:\\{0,8}["'])?value(?:\\{0,8}["'])?[ \t]{0,3}[:=][ \t]{0,3}(?:\\{0,8}["'])?)([^\s"'\\,}][^\r\n"'\\,}]{0,4095})/gi;
/** Programs that take a password behind a letter: `mysqldump -u root -psecret`. */
const OPTION =
  /(\b(?:mysql|mariadb)[\w-]{0,20}\b[^\n|;&]{0,400}?[ \t]-p|\bsshpass[ \t]+-p[ \t]{0,3}|\bredis-cli\b[^\n|;&]{0,400}?[ \t]-a[ \t]{1,3})(["']?)([^\s"']{1,200})\2/g;
const XML = /<([\w:.-]{1,60})((?:[ \t][^<>]{0,200})?>)([^<>]{1,4096})(?=<\/)/g;
const AUTHORIZATION = /\b(Bearer|Basic|Token|ApiKey|Bot)([ \t]{1,3})([A-Za-z0-9._~+/=:-]{8,16384})/gi;

/**
 * Replaces every value that stands behind the name of a secret, and every credential behind its scheme. Each expression is asked only where
 * there is what it can't do without: results are short texts by the hundred thousand, and a run need not compile what it has no use for.
 */
export function hidePairs(text: string, redacted: string): string {
  let output = text;
  if (output.includes('-u')) output = output.replace(LOGIN, `$1${redacted}`);
  if (output.includes(' -'))
    output = output.replace(OPTION, (all, before: string, _: string, value: string) =>
      isPlaceholder(value) ? all : `${before}${redacted}`,
    );
  if (!mayHoldSecretName(output)) return output;
  output = hideValues(output, redacted);
  output = output.replace(AUTHORIZATION, (all, scheme: string, blank: string, value: string) =>
    isCredential(scheme, value) ? `${scheme}${blank}${redacted}` : all,
  );
  if (output.includes('--')) {
    output = output.replace(FLAG, (all, flag: string, blank: string, value: string) =>
      secrecyOf(flag, value) !== 'none' && !CODE.test(value) && !WORD.test(value) ? `${flag}${blank}${redacted}` : all,
    );
  }
  if (output.includes("'") || output.includes('$')) {
    output = output.replace(SQL, (all, before: string, quote = '', quoted = '', dollars = '', fenced = '') =>
      isPlaceholder(quoted || fenced) ? all : `${before}${quote || dollars}${redacted}${quote ? "'" : dollars}`,
    );
  }
  if (output.includes(')=(')) {
    output = output.replace(KEY_OF_ROW, (_, columns: string, values: string) => rowOf(columns, values, redacted));
  }
  if (/value/i.test(output)) {
    output = output.replace(NAMED, (all, before: string, name: string, between: string, value: string) =>
      secrecyOf(name, value) === 'none' || WORD.test(value) ? all : `${before}${name}${between}${redacted}`,
    );
  }
  if (output.includes('</')) {
    output = output.replace(XML, (all, tag: string, open: string, value: string) =>
      secrecyOf(tag, value.trim()) === 'none' ? all : `<${tag}${open}${redacted}`,
    );
  }
  return output;
}

/** Without the values of columns that are named like secrets; without all of them, where it can't be said whose is which. */
function rowOf(columns: string, values: string, redacted: string): string {
  const names = columns.split(', ');
  const items = values.split(', ');
  const secret = (name: string, item: string) => secrecyOf(name, item) !== 'none';
  if (names.length !== items.length)
    return `Key (${columns})=(${names.some((name) => secret(name, values)) ? redacted : values})`;
  const told = items.map((item, index) => (secret(names[index] ?? '', item) ? redacted : item));
  return `Key (${columns})=(${told.join(', ')})`;
}

function hideValues(text: string, redacted: string): string {
  if (!text.includes('=') && !text.includes(':') && !text.includes('%3')) return text;
  let output = '';
  let done = 0;
  for (const { start, end } of secretValues(text)) {
    output += text.slice(done, start) + redacted;
    done = end;
  }
  return output + text.slice(done);
}

/** "Basic authentication failed" and "the token expired yesterday" are sentences. */
function isCredential(scheme: string, value: string): boolean {
  if (/^basic$/i.test(scheme)) {
    if (!/^[A-Za-z0-9+/_-]+=*$/.test(value)) return false;
    return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(atobOrNothing(value));
  }
  if (/^bearer$/i.test(scheme)) return looksOpaque(value) || /\d/.test(value) || value.length >= 16;
  return looksOpaque(value);
}

function atobOrNothing(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
