// `npm run pins`: pins each action of the workflows to the commit of the newest tag of its major version, and each base image of the
// Dockerfile to the digest that its tag has now. What can't be reached is left as it is, and told.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';

/** Where tags and digests are looked up; another place for tests, or for a mirror. */
export interface Sources {
  /** `<git>/<owner>/<name>` is an action's repository. */
  readonly git: string;
  /** The URL of an image's registry, by the host that its name begins with. */
  readonly registry: (host: string) => string;
}

/** A file with its pins brought up to date, and what couldn't be. */
export interface Pinned {
  readonly text: string;
  readonly problems: readonly string[];
}

const PUBLIC: Sources = {
  git: process.env.PINS_GIT ?? 'https://github.com',
  registry: (host) => `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}`,
};

/** `uses: owner/name@ref # version`, the version being the ref itself unless that is a commit. */
const USES = /(uses: )([\w.-]+\/[\w.-]+)@([\w.-]+)(?: # (\S+))?/g;

/** Pins the actions of a workflow. */
export function pinActions(text: string, { git }: Sources): Pinned {
  const problems: string[] = [];
  const pinned = text.replaceAll(USES, (whole, uses: string, action: string, ref: string, version = ref) => {
    try {
      const { tag, commit } = newestOf(tagsOf(`${git}/${action}`), version);
      return `${uses}${action}@${commit} # ${tag}`;
    } catch (error) {
      problems.push(`${action}@${version}: ${(error as Error).message.split('\n')[0]}`);
      return whole;
    }
  });
  return { text: pinned, problems };
}

/** The commit of each tag; of an annotated one the commit that it is on. */
function tagsOf(repository: string): Map<string, string> {
  const listed = execFileSync('git', ['ls-remote', '--tags', repository], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
  });
  const tags = new Map<string, string>();
  // A tag's own line comes first, and is then replaced by that of its commit.
  for (const [, commit = '', tag = ''] of listed.matchAll(/^([0-9a-f]{40})\trefs\/tags\/(\S+?)(?:\^\{\})?$/gm)) {
    tags.set(tag, commit);
  }
  return tags;
}

/** The newest tag `v1.2.3` of the major version of `version`. @throws {Error} there is none */
function newestOf(tags: ReadonlyMap<string, string>, version: string): { tag: string; commit: string } {
  const [major] = /\d+/.exec(version) ?? [];
  const newest = [...tags.keys()]
    .filter((tag) => /^v?\d+\.\d+\.\d+$/.test(tag) && /\d+/.exec(tag)?.[0] === major)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  if (newest === undefined) throw new Error(`no tag of version ${major ?? version}`);
  return { tag: newest, commit: tags.get(newest) ?? '' };
}

/** `ARG NAME=host/path:tag`, with or without a digest. */
const IMAGE = /^(ARG \w+=)([\w.-]+)\/([\w./-]+):([\w.-]+)(?:@sha256:[0-9a-f]{64})?$/gm;

/** Pins the base images of a Dockerfile. */
export async function pinImages(text: string, { registry }: Sources): Promise<Pinned> {
  const problems: string[] = [];
  let pinned = text;
  for (const [whole, arg = '', host = '', path = '', tag = ''] of text.matchAll(IMAGE)) {
    try {
      const digest = await digestOf(registry(host), path, tag);
      pinned = pinned.replace(whole, `${arg}${host}/${path}:${tag}@${digest}`);
    } catch (error) {
      problems.push(`${host}/${path}:${tag}: ${rootOf(error as Error).message}`);
    }
  }
  return { text: pinned, problems };
}

/** fetch says only that it failed; its cause says why. */
const rootOf = (error: Error): Error => (error.cause instanceof Error ? rootOf(error.cause) : error);

const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** The digest of a tag's index, which has an image for each architecture. @throws {Error} the registry doesn't tell */
async function digestOf(registry: string, path: string, tag: string): Promise<string> {
  const url = `${registry}/v2/${path}/manifests/${tag}`;
  const ask = (token?: string) =>
    fetch(url, {
      method: 'HEAD',
      headers: { accept: INDEXES.join(', '), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
  let response = await ask();
  // Public images are read with a token that anybody gets.
  if (response.status === 401) response = await ask(await tokenFor(response.headers.get('www-authenticate') ?? ''));
  const digest = response.headers.get('docker-content-digest') ?? '';
  if (!response.ok || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`the registry answers ${response.status}`);
  return digest;
}

async function tokenFor(challenge: string): Promise<string> {
  const asked = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const { realm = '', service = '', scope = '' } = asked;
  const response = await fetch(`${realm}?${new URLSearchParams({ service, scope })}`);
  const { token } = (await response.json()) as { token?: string };
  if (token === undefined) throw new Error('the registry gives no token');
  return token;
}

if (import.meta.main) {
  const update = (path: string, { text, problems }: Pinned) => {
    writeFileSync(path, text);
    for (const problem of problems) console.error(`${path}: left as it is: ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  };
  for (const path of globSync('.github/workflows/*.yml')) update(path, pinActions(readFileSync(path, 'utf8'), PUBLIC));
  update('Dockerfile', await pinImages(readFileSync('Dockerfile', 'utf8'), PUBLIC));
}
