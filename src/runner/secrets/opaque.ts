// Whether a text looks as if a machine had made it: a key or a token rather than words.

const SHORTEST = 16;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CHARACTERS = /^[\w\-+/=.~:%!@#$^&*]+$/;

/** The shortest part in which letters and digits alternate by more than chance: `v2` and `01T00` are words of a kind. */
const MIXED = /(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9+=%~]{8,}/;

/** True for `sk_live_4eC39HqLyjWD`, false for `customers-2024-11`, a time, a path, a UUID, and anything with a space. */
export function looksOpaque(text: string): boolean {
  if (text.length < SHORTEST || !CHARACTERS.test(text) || UUID.test(text) || /^\.{0,2}\//.test(text)) return false;
  return text.split(/[-_.:/@]+/).some((part) => MIXED.test(part) || isJumble(part));
}

/** Letters whose case changes with every other one: `LoRvZKYyNQx`, and not `aCamelCaseName`. */
function isJumble(part: string): boolean {
  if (part.length < 9) return false;
  const runs = part.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)?.length ?? 0;
  return part.length / runs <= 2.5;
}
