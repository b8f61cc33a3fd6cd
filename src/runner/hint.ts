// Whether a text may hold a secret at all: for lines by the million, most of which hold none. It may be wrong only when it says yes.
import type { Redactor } from './redact.ts';
import { mayBeginKey, mayHoldFormat } from './secrets/formats.ts';
import type { Form } from './secrets/forms.ts';
import { bytesOf, createWordFinder, type WordFinder } from './secrets/words.ts';

/** What every name of a secret has in it (names.ts), and what credentials without a name stand behind (pairs.ts, urls.ts). */
const NAMES = (
  ':// pass secret token cred auth cookie key bearer basic connection webhook pwd pw dsn jwt otp cvv cvc kennwort passwort ' +
  'contrase senha wachtwoord identified sig salt mysql mariadb redis-cli пароль 密码 パスワード'
).split(' ');
/** The same, with what makes an ordinary word of one of them. */
const NAME = new RegExp(NAMES.join('|').replace('connection', 'connection.?string'), 'i');

/** Words that are too short to be looked for within others, and the slashes of a URL as JSON may escape them. */
const SHORT =
  /(?<![a-z])pat(?![a-z])|Pat(?![a-z])|PAT(?![A-Z])|\b[Bb][Oo][Tt][ \t]|-u[ \t=]|--(?:proxy-)?user|:\\\/\\\//;

/** Keys known by their form have at least this many characters in a row that a key can have. */
const SHORTEST_KEY = 18;

/** Of those that have no beginning of their maker's, at least this many are letters, digits, _ and -. */
const SHORTEST_SHAPE = 23;

/** What stands in those whose parts are shorter. */
const SHAPES = ['eyJ', 'Q~', 'atlasv1'] as const;

/** What a character can be of: 1 a key (`. = ~ + /`), 2 its parts (`_ -`), 4 a letter or digit. */
const KINDS = new Uint8Array(256);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  if (/[a-z0-9]/i.test(character)) KINDS[code] = 7;
  else if (/[_-]/.test(character)) KINDS[code] = 3;
  else if (/[.=~+/]/.test(character)) KINDS[code] = 1;
}

/** As much of a known secret is looked for at first. */
const FORM_BEGINNING = 6;

/** A redactor that need not look closely at every text. */
export interface HintingRedactor extends Redactor {
  /** Whether there may be something to redact in the text, keys of JSON included: cheap, and never wrong when it says no. */
  mayHoldSecret(text: string): boolean;
}

export function withHint(redactor: Redactor): HintingRedactor {
  return { ...redactor, mayHoldSecret: createHint(redactor.forms()) };
}

/** When so many characters were looked at, the finder of words has paid for itself: to make it takes 10 ms. */
const FINDER_PAYS_AFTER = 64 * 1024;

/** Makes a look that says whether there may be something to hide in a text, or under a key of JSON. */
function createHint(forms: readonly Form[]): (text: string) => boolean {
  let looked = 0;
  let mayHoldWord: WordFinder | undefined;
  return (text) => {
    const bytes = bytesOf(text);
    looked += text.length;
    if (looked > FINDER_PAYS_AFTER)
      mayHoldWord ??= createWordFinder([...NAMES, ...forms.map(({ text }) => text.slice(0, FORM_BEGINNING))]);
    if ((!bytes || !mayHoldWord || mayHoldWord(bytes)) && (NAME.test(text) || holdsForm(text, forms))) return true;
    return SHORT.test(text) || ((!bytes || hasKeyShape(bytes)) && mayHoldFormat(text));
  };
}

function holdsForm(text: string, forms: readonly Form[]): boolean {
  for (const { text: form } of forms) if (text.length >= form.length && text.includes(form)) return true;
  return false;
}

/** Whether there are enough characters of a key in a row, behind the beginning of a key or in one part. */
function hasKeyShape(bytes: Buffer): boolean {
  // Every row that is long enough has a character at one of these places: most of the others are never looked at.
  for (let at = SHORTEST_KEY - 1; at < bytes.length; at += SHORTEST_KEY) {
    if (KINDS[bytes[at] as number] === 0) continue;
    let start = at;
    while (start > 0 && KINDS[bytes[start - 1] as number] !== 0) start -= 1;
    let end = at + 1;
    while (end < bytes.length && KINDS[bytes[end] as number] !== 0) end += 1;
    if (end - start >= SHORTEST_KEY && isKeyShape(bytes, start, end)) return true;
    at = end;
  }
  return false;
}

/** Whether the row from `start` to `end`, of a key's characters alone, can be a key or has one in it. */
function isKeyShape(bytes: Buffer, start: number, end: number): boolean {
  let part = 0;
  /** How long the row is since a beginning of a key. */
  let since = -1;
  let before = 0;
  for (let at = start; at < end; at += 1) {
    const code = bytes[at] as number;
    const kind = KINDS[code] as number;
    part = kind < 3 ? 0 : part + 1;
    if (since >= 0) since += 1;
    else if (kind === 7 && before !== 7 && at + 1 < end && mayBeginKey(code, bytes[at + 1] as number)) since = 1;
    if (since >= SHORTEST_KEY || part >= SHORTEST_SHAPE) return true;
    before = kind;
  }
  const row = bytes.toString('latin1', start, end);
  return SHAPES.some((shape) => row.includes(shape));
}
