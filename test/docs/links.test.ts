// Links between the pages, and from them into the code, lead somewhere.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './snippets.ts';

const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'helm/*/README.md', 'deploy/**/README.md'], {
  cwd: ROOT,
});

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(path: string): string[] {
  const headings = readFileSync(path, 'utf8').matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(pages)('%s links to what is there', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? join(ROOT, page) : normalize(join(ROOT, dirname(page), file));
      return !existsSync(path) || (anchor !== undefined && !anchors(path).includes(anchor));
    });
  expect(broken).toEqual([]);
});

test('every page in docs/ is reached from README', () => {
  const reached = new Set<string>();
  const reach = (page: string) => {
    if (reached.has(page) || !page.endsWith('.md') || !existsSync(join(ROOT, page))) return;
    reached.add(page);
    const links = readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g);
    for (const [, target = ''] of links) reach(normalize(join(dirname(page), target)));
  };
  reach('README.md');
  expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
});

test('every file in src says in its first line what it is for', () => {
  const silent = globSync('src/**/*.{ts,sql}', { cwd: ROOT }).filter(
    (path) => !/^(#!.*\n)?(\/\/|--) \S/.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  expect(silent).toEqual([]);
});
