// Text for people in lines of a certain width.
import { beginningOf, columnsOf, isUnspaced } from './columns.ts';

/** The lines of `text`, `width` columns at most; a word that is longer has a line of its own, such as a URL, which is copied whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => partsOf(each, width))) {
    if (line && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line];
}

/** A sentence of a script that is written without spaces, in parts that fill a line; any other word as it is. */
function partsOf(word: string, width: number): string[] {
  const parts: string[] = [];
  let rest = word;
  while (isUnspaced(rest)) {
    const first = beginningOf(rest, width);
    parts.push(first);
    rest = rest.slice(first.length);
  }
  return rest === '' && parts.length > 0 ? parts : [...parts, rest];
}
