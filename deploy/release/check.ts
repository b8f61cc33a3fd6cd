// `npm run release:check -- 1.2.3`: whether everything in the repository is of that version. The release workflow asks the same of its tag.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** What isn't as a release of `version` must have it, each as a sentence; the first that is missing of each kind. */
export function releaseProblems(version: string, repository: string, root = '.'): string[] {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const problems: string[] = [];
  const must = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  const image = `ghcr.io/${repository.toLowerCase()}`;
  must(/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version), `${version} is no version such as 1.2.3`);
  for (const path of ['package.json', 'package-lock.json']) {
    const { version: own } = JSON.parse(read(path)) as { version: string };
    must(own === version, `${path} is of version ${own}: npm version --no-git-tag-version ${version}`);
  }
  const { repository: source } = JSON.parse(read('package.json')) as { repository: { url: string } };
  must(
    source.url.toLowerCase().includes(`github.com/${repository.toLowerCase()}.git`),
    `repository in package.json isn't ${repository}`,
  );
  const chart = read('helm/run-job/Chart.yaml');
  for (const field of ['version', 'appVersion']) {
    must(new RegExp(`^${field}: ${literally(version)}$`, 'm').test(chart), `${field} in Chart.yaml isn't ${version}`);
  }
  must(
    new RegExp(`^  repository: ${literally(image)}$`, 'm').test(read('helm/run-job/values.yaml')),
    `the chart doesn't install ${image}, which is what a release pushes`,
  );
  const changes = new RegExp(`^## \\[${literally(version)}\\](.*)$`, 'm').exec(read('CHANGELOG.md'));
  must(changes !== null, `CHANGELOG.md has no section ## [${version}]`);
  must(
    changes === null || /^ - \d{4}-\d\d-\d\d$/.test(changes[1] ?? ''),
    `CHANGELOG.md doesn't say when: ## [${version}] - 2026-12-31`,
  );
  for (const path of globSync(
    ['Dockerfile', 'examples/**/*', 'docs/**/*.md', 'deploy/kubernetes/*.yaml', 'README.md'],
    {
      cwd: root,
      withFileTypes: true,
    },
  )
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name))) {
    for (const [, tag = ''] of readFileSync(path, 'utf8').matchAll(/ghcr\.io\/run-job\/run-job:(\d[\w.-]*)/g)) {
      must(tag === version, `${path} names the image of version ${tag}: npm run generate, or change it by hand`);
    }
  }
  return problems;
}

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { repository: { type: 'string', default: 'run-job/run-job' } },
  });
  const [version = ''] = positionals;
  const problems = releaseProblems(version, values.repository);
  for (const problem of problems) console.error(`release: ${problem}`);
  if (problems.length === 0) console.log(`Everything is of version ${version}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
