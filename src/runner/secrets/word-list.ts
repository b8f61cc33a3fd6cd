// A list of words, written as a sentence.

/** Whether a word is in the list. */
export interface WordList {
  has(word: string): boolean;
}

/** The words of a text, with one space between them. The set is made when it is first asked for: most runs never ask for most of the lists. */
export function wordList(text: string): WordList {
  let words: Set<string> | undefined;
  return {
    has(word) {
      words ??= new Set(text.split(' '));
      return words.has(word);
    },
  };
}
