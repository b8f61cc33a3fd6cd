// Keeps secrets out of logs, records, spans and termination messages: the one way by which a text or a value of a job leaves the process.
import { type PlainJson, toPlainJson } from './json.ts';
import { cutRedacted } from './secrets/cut.ts';
import { hideFormats } from './secrets/formats.ts';
import { type Form, type Forms, formsOf, hideForms } from './secrets/forms.ts';
import { secrecyOf } from './secrets/names.ts';
import { hidePairs } from './secrets/pairs.ts';
import { isCredential, userInfos } from './secrets/urls.ts';

export { type ReadSecretFile, secretsOf } from './secrets/environment.ts';

export const REDACTED = '[redacted]';

/** The most characters of one text or value that are told; nobody reads more, and no string of V8's can hold everything. */
const LONGEST = 8 * 1024 * 1024;

/** Removes secrets from what is told. */
export interface Redactor {
  /** The text without secrets. One of more than 8 Mi characters is cut. */
  text(text: string): string;
  /** The value as plain JSON (see `toPlainJson`), without secrets. One of more than 8 Mi characters is cut. */
  value(value: unknown): unknown;
  /** Every form of the known secrets, for `createHint`. They are the secrets themselves: not to be told. */
  forms(): readonly Form[];
  /** The same, with what had to be changed, and a limit of one's own. */
  plain(value: unknown, limit: number): PlainJson;
}

/**
 * Redacts what looks like a secret (by its name, its form, or its place in a URL, a header or a setting), and each of `known` wherever and
 * however encoded it stands. Known values of fewer than six characters are passed over: they would blacken ordinary words.
 */
export function createRedactor(known: readonly string[]): Redactor {
  let forms: Forms | undefined;
  /** What came out of here, and how much it took of the limit: a result is told in the record and in the log, and looked through once. */
  const told = new WeakMap<object, number>();

  const hide = (input: string): string => {
    forms ??= formsOf(known);
    const output = hideFormats(hideUrls(hideForms(input, forms, REDACTED)), REDACTED);
    return hidePairs(output, REDACTED);
  };

  const plain = (input: unknown, limit: number): PlainJson => {
    const output = toPlainJson(input, { limit, text: hide, secrecy: secrecyOf, hidden: REDACTED, done: told });
    if (typeof output.value === 'object' && output.value !== null) told.set(output.value, output.size);
    return output;
  };

  return {
    text: (input) =>
      input.length <= LONGEST
        ? hide(input)
        : `${cutRedacted(input, LONGEST, hide)}… (${input.length} characters in all)`,
    value: (input) => plain(input, LONGEST).value,
    plain,
    forms: () => {
      forms ??= formsOf(known);
      return forms.all;
    },
  };
}

function hideUrls(text: string): string {
  if (!text.includes('://') && !text.includes(':\\/\\/')) return text;
  let output = '';
  let done = 0;
  for (const info of userInfos(text)) {
    if (info.start < done || !isCredential(info)) continue;
    output += text.slice(done, info.start) + REDACTED;
    done = info.end;
  }
  return output + text.slice(done);
}
