// The fenced blocks of the documentation.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One fenced block. */
export interface Snippet {
  readonly page: string;
  /** Of the block's first line. */
  readonly line: number;
  readonly language: string;
  /** The word after the language: where the block can be run. */
  readonly place: string;
  readonly text: string;
}

/** Every fenced block of README, CONTRIBUTING, docs/ and the examples' READMEs, and of further pages, in order. */
export function snippets(more: readonly string[] = []): Snippet[] {
  const pages = [
    ...more,
    'README.md',
    'CONTRIBUTING.md',
    ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: ROOT }).sort(),
  ];
  return pages.flatMap((page) => {
    const text = readFileSync(`${ROOT}/${page}`, 'utf8');
    return [...text.matchAll(/^```(\w+)(?: ([\w-]+))?\n([\s\S]*?)^```$/gm)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      language: match[1] ?? '',
      place: match[2] ?? '',
      text: match[3] ?? '',
    }));
  });
}
