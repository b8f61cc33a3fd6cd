// Whether a text may hold a secret at all: for lines by the million, most of which hold none. It may be wrong only when it says yes.
import { mayHoldFormat } from './formats.ts';
import type { Form } from './forms.ts';

/** What every name of a secret has in it (names.ts), and what credentials without a name stand behind (pairs.ts, urls.ts). */
const NAMES =
  /:\/\/|pass|secret|token|cred|auth|cookie|key|bearer|basic|connection.?string|webhook|pwd|pw|dsn|jwt|otp|cvv|cvc|kennwort|passwort|contrase|senha|wachtwoord|identified|sig|salt|пароль|密码|パスワード/i;
/** Words that are too short to be looked for within others. */
const SHORT = /(?<![a-z])pat(?![a-z])|Pat(?![a-z])|PAT(?![A-Z])|\b[Bb][Oo][Tt][ \t]|-u[ \t=]|--(?:proxy-)?user/;

/** Keys known by their form have at least this many characters in a row that a key can have. */
const SHORTEST_KEY = 18;

/** Which characters a key can have: letters, digits, and `_ . = ~ + / -`. */
const KEY_CHARACTERS = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  if (/[\w.=~+/-]/.test(String.fromCharCode(code))) KEY_CHARACTERS[code] = 1;
}

/** Whether there may be something to hide, as a text or under a key of JSON. */
export function mayHoldSecret(text: string, forms: readonly Form[]): boolean {
  if (NAMES.test(text) || SHORT.test(text)) return true;
  for (const { text: form } of forms) if (text.length >= form.length && text.includes(form)) return true;
  return hasLongWord(text) && mayHoldFormat(text);
}

function hasLongWord(text: string): boolean {
  let run = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    run = code < 128 && KEY_CHARACTERS[code] === 1 ? run + 1 : 0;
    if (run >= SHORTEST_KEY) return true;
  }
  return false;
}
