// Looks for many words at once, in one pass over the bytes of a text: an expression with thirty alternatives takes several times as long.

/** Texts of more UTF-16 units aren't looked through: they are rare, and would need a large buffer. */
const MOST_UNITS = 128 * 1024;
const MOST_UTF8_BYTES_A_UNIT = 3;

/** The text that is being looked at, in UTF-8. It is made once: a program's lines come by the million. */
let shared: Buffer | undefined;

/** The text as UTF-8, valid until the next call; undefined when it is too long. */
export function bytesOf(text: string): Buffer | undefined {
  if (text.length > MOST_UNITS) return undefined;
  shared ??= Buffer.allocUnsafeSlow(MOST_UTF8_BYTES_A_UNIT * MOST_UNITS);
  return shared.subarray(0, shared.write(text));
}

/** Says whether one of its words may stand in a text. */
export type WordFinder = (bytes: Uint8Array) => boolean;

const ASCII = 128;
const FOUND = -1;

/** Of letters the small ones; what isn't ASCII counts as 0. */
const FOLDED = new Uint8Array(256);
for (let code = 0; code < ASCII; code += 1) FOLDED[code] = String.fromCharCode(code).toLowerCase().charCodeAt(0);

/**
 * A finder (Aho and Corasick's automaton) that says yes to each text in UTF-8 that has one of the words in it, in capitals or not, and to
 * each that isn't ASCII alone: words that aren't needn't be looked for, therefore.
 */
export function createWordFinder(words: Iterable<string>): WordFinder {
  const next = automatonOf([...words].filter((word) => isAscii(word)).map((word) => word.toLowerCase()));
  return (bytes) => {
    let state = 0;
    let all = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      all |= byte;
      state = next[state + (FOLDED[byte] as number)] as number;
      if (state === FOUND) return true;
    }
    return all >= ASCII;
  };
}

function isAscii(word: string): boolean {
  for (let at = 0; at < word.length; at += 1) if (word.charCodeAt(at) >= ASCII) return false;
  return word !== '';
}

/** A row of 128 for each state: where the next character leads to, as the beginning of a row, or FOUND. */
function automatonOf(words: readonly string[]): Int32Array {
  const most = words.reduce((sum, word) => sum + word.length, 1);
  const next = new Int32Array(most * ASCII);
  const isEnd = new Uint8Array(most);
  let states = 1;
  for (const word of words) {
    let state = 0;
    for (let at = 0; at < word.length; at += 1) {
      const cell = state * ASCII + word.charCodeAt(at);
      if (next[cell] === 0) {
        next[cell] = states;
        states += 1;
      }
      state = next[cell] as number;
    }
    isEnd[state] = 1;
  }
  // Breadth first: where a state has no way on, it goes on as the longest of its endings that is a beginning of a word would.
  const fallback = new Int32Array(states);
  const queue = [0];
  for (const state of queue) {
    const back = fallback[state] as number;
    if (isEnd[back]) isEnd[state] = 1;
    for (let code = 0; code < ASCII; code += 1) {
      const cell = state * ASCII + code;
      const instead = state === 0 ? 0 : (next[back * ASCII + code] as number);
      const to = next[cell] as number;
      if (to === 0) next[cell] = instead;
      else {
        fallback[to] = instead;
        queue.push(to);
      }
    }
  }
  return next.subarray(0, states * ASCII).map((state) => (isEnd[state] ? FOUND : state * ASCII));
}
