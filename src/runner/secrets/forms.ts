// The forms in which a known secret may turn up: as it is, escaped, or encoded.

/** A form of a secret, and whether it is so plain a word that it must stand alone to be taken for it. */
export interface Form {
  readonly text: string;
  readonly alone: boolean;
}

/** All of them, and how to see soon that none is in a text. */
export interface Forms {
  /** The longest first, so that what contains another is found before it. */
  readonly all: readonly Form[];
  /** 1 at each hash of three characters with which one begins. */
  readonly beginnings: Uint8Array;
}

const SHORTEST = 6;
const LONG = 1_000;
/** Of what is encoded, so much must be there that chance doesn't write it. */
const SHORTEST_ENCODED = 8;

/** Every form of the secrets. */
export function formsOf(secrets: Iterable<string>): Forms {
  const forms = new Map<string, Form>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    for (const text of [...written(secret), ...encoded(secret)]) {
      if (text.length >= SHORTEST && !forms.has(text)) forms.set(text, { text, alone: isWord(text) });
    }
  }
  const beginnings = new Uint8Array(1 << 16);
  for (const text of forms.keys()) beginnings[hashAt(text, 0)] = 1;
  return { all: [...forms.values()].sort((a, b) => b.text.length - a.text.length), beginnings };
}

/** Of the three characters from `at` on. */
function hashAt(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) & 0xffff;
}

/** Whether three characters of the text are the beginning of a form: cheap, and never wrong when it says no. */
function mayHoldForm(text: string, { all, beginnings }: Forms): boolean {
  if (all.length === 0) return false;
  // There, to look for each form costs less.
  if (text.length > LONG) return true;
  for (let at = 0; at <= text.length - SHORTEST; at += 1) if (beginnings[hashAt(text, at)] === 1) return true;
  return false;
}

/** As JSON, JavaScript, SQL, a shell, HTML and URLs write it. */
function* written(secret: string): Generator<string> {
  yield secret;
  yield secret.normalize('NFC');
  yield secret.normalize('NFD');
  const json = inJson(secret);
  yield json;
  yield inJson(json);
  yield json.replaceAll('/', '\\/');
  yield unicodeEscaped(json);
  yield unicodeEscaped(json).replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`);
  yield secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  yield secret.replaceAll('\\', '\\\\').replaceAll('`', '\\`');
  yield secret.replaceAll("'", "''");
  yield secret.replaceAll("'", `'\\''`);
  yield secret.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
  yield secret.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  if (!secret.isWellFormed()) return;
  const uri = encodeURIComponent(secret);
  const strict = uri.replace(/[!'()*]/g, percent);
  for (const text of [uri, strict, encodeURI(secret), uri.replaceAll('%20', '+'), strict.replaceAll('%20', '+')]) {
    yield text;
    yield text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  }
  yield encodeURIComponent(uri);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** In base 64, at each of the three places where it may begin in what is encoded as a whole, and in base 16. */
function* encoded(secret: string): Generator<string> {
  const bytes = Buffer.from(secret);
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // The first and the last characters also hold bits of the neighbours.
    const core = text.slice(offset === 0 ? 0 : offset + 1, (offset + bytes.length) % 3 === 0 ? undefined : -1);
    if (core.length < SHORTEST_ENCODED) continue;
    yield core;
    yield core.replaceAll('+', '-').replaceAll('/', '_');
    yield encodeURIComponent(core);
  }
  const hex = bytes.toString('hex');
  if (hex.length < 2 * SHORTEST_ENCODED) return;
  yield hex;
  yield hex.toUpperCase();
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function unicodeEscaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function isWord(text: string): boolean {
  return text.length < 12 && /^(?:[a-z]+|[A-Z][a-z]+|[A-Z]+|\d+)$/.test(text);
}

/** Replaces every form of the secrets in a text. */
export function hideForms(text: string, forms: Forms, redacted: string): string {
  if (!mayHoldForm(text, forms)) return text;
  let output = text;
  for (const { text: form, alone } of forms.all) {
    if (output.length < form.length || !output.includes(form)) continue;
    output = alone ? hideAlone(output, form, redacted) : output.replaceAll(form, redacted);
  }
  return output;
}

/** Where no letter or digit is next to it, but for the end of an escape such as `\n` or `%3D`. */
function hideAlone(text: string, form: string, redacted: string): string {
  let output = '';
  let done = 0;
  for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length)) {
    const before = text.slice(Math.max(0, at - 6), at);
    const begins = !/[A-Za-z0-9]$/.test(before) || /(?:\\[nrtbf]|%[0-9A-Fa-f]{2}|\\u[0-9a-fA-F]{4})$/.test(before);
    if (!begins || /^[A-Za-z0-9]/.test(text.slice(at + form.length, at + form.length + 1))) continue;
    output += text.slice(done, at) + redacted;
    done = at + form.length;
  }
  return output + text.slice(done);
}
