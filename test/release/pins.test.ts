// What the build is made of is pinned: by real git, and by a registry that asks for a token as the public ones do.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { pinActions, pinImages, type Sources } from '../../deploy/release/pins.ts';

/** A folder of repositories; `acme/build` has these tags, each on a commit of its own, the annotated ones too. */
function repositories(tags: readonly string[], annotated: readonly string[]) {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'actions-'));
  const repository = join(folder, 'acme/build');
  mkdirSync(repository, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
  git('init', '-q');
  const commits = Object.fromEntries(
    [...tags, ...annotated].map((tag) => {
      git('commit', '-q', '--allow-empty', '-m', tag);
      if (annotated.includes(tag)) git('tag', '-a', '-m', tag, tag);
      else git('tag', tag);
      return [tag, git('rev-parse', 'HEAD')];
    }),
  );
  return { sources: { git: `file://${folder}`, registry: () => '' } satisfies Sources, commits };
}

test('an action is pinned to the commit of the newest tag of its major version, and again from there', () => {
  const { sources, commits } = repositories(['v5', 'v5.0.0', 'v5.9.0', 'v6.0.0'], ['v5.10.0']);
  const pinned = `      - uses: acme/build@${commits['v5.10.0']} # v5.10.0\n`;
  expect(pinActions('      - uses: acme/build@v5\n', sources)).toEqual({ text: pinned, problems: [] });
  expect(pinActions(`      - uses: acme/build@${'0'.repeat(40)} # v5.0.0\n`, sources).text).toBe(pinned);
});

test('what has no such tag, or cannot be reached, is left as it is and told', () => {
  const { sources } = repositories(['v1.0.0'], []);
  const text = '- uses: acme/build@v2\n- uses: acme/gone@v1\n';
  const { text: left, problems } = pinActions(text, sources);
  expect(left).toBe(text);
  expect(problems).toEqual(['acme/build@v2: no tag of version 2', expect.stringMatching(/^acme\/gone@v1: .+/)]);
});

test('a base image is pinned to the digest that its tag has now, and one that is gone is left', async () => {
  const digest = `sha256:${createHash('sha256').update('index').digest('hex')}`;
  const registry = createServer((request, response) => {
    const own = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
    if (request.url?.startsWith('/token?')) {
      response.end(JSON.stringify({ token: new URL(request.url, own).searchParams.get('scope') }));
      return;
    }
    const scope = 'repository:library/node:pull';
    if (request.headers.authorization !== `Bearer ${scope}`) {
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="${own}/token",service="registry",scope="${scope}"`,
      });
    } else if (request.url === '/v2/library/node/manifests/24-slim' && request.headers.accept?.includes('index')) {
      response.writeHead(200, { 'docker-content-digest': digest });
    } else response.writeHead(404);
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void registry.close());
  await once(registry, 'listening');
  const sources = { git: '', registry: () => `http://127.0.0.1:${(registry.address() as AddressInfo).port}` };
  const pinned = `ARG BUILDER=docker.io/library/node:24-slim@${digest}\nFROM \${BUILDER}\n`;
  expect(await pinImages(pinned.replace(`@${digest}`, ''), sources)).toEqual({
    text: pinned,
    problems: [],
  });
  const old = pinned.replace(digest, `sha256:${'0'.repeat(64)}`);
  expect((await pinImages(old, sources)).text).toBe(pinned);
  expect(await pinImages('ARG BASE=gcr.io/gone:1\n', sources)).toEqual({
    text: 'ARG BASE=gcr.io/gone:1\n',
    problems: ['gcr.io/gone:1: the registry answers 404'],
  });
});

test('every action of the workflows is pinned to a commit, with its version beside it', () => {
  const uses = globSync('.github/workflows/*.yml').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/uses: .*/g)].map(([line]) => `${file}: ${line}`),
  );
  expect(uses.length).toBeGreaterThan(20);
  expect(uses.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
});
