// Whether a text may hold a secret at all: for lines by the million, most of which hold none. It may be wrong only when it says yes.
import { KEY_BEGINNINGS, mayHoldFormat } from './formats.ts';
import { type Forms, mayHoldForm } from './forms.ts';

/** What every name of a secret has in it (names.ts), and what credentials without a name stand behind (pairs.ts, urls.ts). */
const NAMES =
  /:\/\/|pass|secret|token|cred|auth|cookie|key|bearer|basic|connection.?string|webhook|pwd|pw|dsn|jwt|otp|cvv|cvc|kennwort|passwort|contrase|senha|wachtwoord|identified|sig|salt|пароль|密码|パスワード/i;
/** Words that are too short to be looked for within others. */
const SHORT = /(?<![a-z])pat(?![a-z])|Pat(?![a-z])|PAT(?![A-Z])|\b[Bb][Oo][Tt][ \t]|-u[ \t=]|--(?:proxy-)?user/;

/** Keys known by their form have at least this many characters in a row that a key can have. */
const SHORTEST_KEY = 18;

/** Of those that have no beginning of their maker's, at least this many are letters, digits, _ and -. */
const SHORTEST_SHAPE = 23;

/** What stands in those whose parts are shorter. */
const SHAPES = ['eyJ', 'Q~', 'atlasv1'] as const;

/** What a character can be of: 1 a key (`. = ~ + /`), 2 its parts (`_ -`), 4 a letter or digit. */
const KINDS = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  if (/[a-z0-9]/i.test(character)) KINDS[code] = 7;
  else if (/[_-]/.test(character)) KINDS[code] = 3;
  else if (/[.=~+/]/.test(character)) KINDS[code] = 1;
}

/** Whether there may be something to hide, as a text or under a key of JSON. */
export function mayHoldSecret(text: string, forms: Forms): boolean {
  if (NAMES.test(text) || SHORT.test(text)) return true;
  if (mayHoldForm(text, forms) && forms.all.some((form) => text.includes(form.text))) return true;
  return hasKeyShape(text) && mayHoldFormat(text);
}

/** Whether there are enough characters of a key in a row, behind the beginning of a key or in one part. */
function hasKeyShape(text: string): boolean {
  let run = 0;
  let part = 0;
  /** How long the run is since a beginning of a key. */
  let since = -1;
  let before = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? (KINDS[code] as number) : 0;
    run = kind === 0 ? 0 : run + 1;
    part = kind < 3 ? 0 : part + 1;
    if (run === 0) since = -1;
    else if (since >= 0) since += 1;
    else if (kind === 7 && before !== 7 && beginsLikeKey(code, text.charCodeAt(at + 1))) since = 1;
    if (since >= SHORTEST_KEY || part >= SHORTEST_SHAPE) return true;
    before = kind;
  }
  return SHAPES.some((shape) => text.includes(shape));
}

/** The first two characters of every maker's beginnings. */
const BEGINNINGS = new Set(KEY_BEGINNINGS.split(' ').map((pair) => pairCode(pair.charCodeAt(0), pair.charCodeAt(1))));

function beginsLikeKey(first: number, second: number): boolean {
  return BEGINNINGS.has(pairCode(first, second));
}

function pairCode(first: number, second: number): number {
  return first * 128 + second;
}
