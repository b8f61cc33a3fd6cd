// A release in which anything is of another version is refused before anything is pushed.
import { cpSync, globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { releaseProblems } from '../../deploy/release/check.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** A copy of what the check reads, with the section that a release has. */
function released(): string {
  const root = mkdtempSync(join(inject('scratchFolder'), 'release-'));
  for (const path of globSync([
    '{package,package-lock}.json',
    '{CHANGELOG,README}.md',
    'Dockerfile',
    'helm/run-job/{Chart,values}.yaml',
    'deploy/kubernetes/*.yaml',
    'docs/**/*.md',
    'examples/**/Dockerfile',
  ])) {
    cpSync(path, join(root, path), { recursive: true });
  }
  edit(root, 'CHANGELOG.md', '## [Unreleased]', `## [Unreleased]\n\n## [${version}] - 2026-12-31`);
  return root;
}

function edit(root: string, path: string, from: string, to: string): void {
  const text = readFileSync(join(root, path), 'utf8');
  expect(text, path).toContain(from);
  writeFileSync(join(root, path), text.replaceAll(from, to));
}

test('a repository that is of one version, and says when, can be released', () => {
  expect(releaseProblems(version, 'Run-Job/run-job', released())).toEqual([]);
});

test.each([
  ['package.json', `"version": "${version}"`, '"version": "9.9.9"', /package\.json is of version 9\.9\.9/],
  ['helm/run-job/Chart.yaml', `appVersion: ${version}`, 'appVersion: 9.9.9', /appVersion in Chart\.yaml/],
  ['helm/run-job/values.yaml', 'ghcr.io/run-job/run-job', 'ghcr.io/acme/run-job', /doesn't install ghcr\.io\/run-job/],
  ['CHANGELOG.md', ' - 2026-12-31', '', /doesn't say when/],
  ['CHANGELOG.md', `## [${version}]`, '## [9.9.9]', /has no section/],
  ['examples/own-jobs/Dockerfile', `:${version}`, ':9.9.9', /Dockerfile names the image of version 9\.9\.9/],
])('%s with %s as %s is told', (path, from, to, problem) => {
  const root = released();
  edit(root, path, from, to);
  expect(releaseProblems(version, 'run-job/run-job', root).join('\n')).toMatch(problem);
});

test('a fork that pushes elsewhere is told so', () => {
  expect(releaseProblems(version, 'acme/run-job', released()).join('\n')).toMatch(/isn't acme\/run-job/);
});
