// A Kubernetes API over HTTP for real helm and kubectl: it keeps objects in memory, and knows server-side apply's field ownership, by
// https://kubernetes.io/docs/reference/using-api/server-side-apply/. Nothing runs in it.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readSecret } from './protobuf.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, which are reached by path
type Any = any;

const KINDS: Record<string, Record<string, string>> = {
  v1: {
    configmaps: 'ConfigMap',
    secrets: 'Secret',
    pods: 'Pod',
    serviceaccounts: 'ServiceAccount',
    namespaces: 'Namespace',
  },
  'batch/v1': { cronjobs: 'CronJob', jobs: 'Job' },
};

/** A cluster that helm and kubectl can be pointed at with KUBECONFIG. */
export interface Cluster extends AsyncDisposable {
  readonly kubeconfig: string;
  /** An object as it is now, or undefined. */
  get(kind: string, name: string): Any;
}

interface Stored {
  object: Any;
  /** Who owns which leaf, by manager and operation, as the server has it in managedFields. */
  readonly owners: Map<string, Set<string>>;
}

/** The leaves of an object by path. A list is one leaf: none of ours is changed in part. */
function* leaves(value: Any, path: readonly string[] = []): Generator<[string, Any]> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [key, child] of Object.entries(value)) yield* leaves(child, [...path, key]);
  } else if (path.length > 0) yield [JSON.stringify(path), value];
}

/** What identifies an object is nobody's. */
const isOwned = (path: string) =>
  !/^\["(apiVersion|kind)"|^\["metadata","(name|namespace|uid|resourceVersion|creationTimestamp|managedFields)"/.test(
    path,
  );

function put(object: Any, path: string, value: Any): void {
  const keys = JSON.parse(path) as string[];
  const last = keys.pop() ?? '';
  let at = object;
  for (const key of keys) {
    at[key] ??= {};
    at = at[key];
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
}

const same = (one: Any, other: Any) => JSON.stringify(one) === JSON.stringify(other);

/** The leaves that others hold with another value, in the server's words; empty when the apply has been done. */
function apply(stored: Stored, manager: string, wanted: Any, force: boolean): string[] {
  const own = `${manager} Apply`;
  const now = new Map(leaves(stored.object));
  const next = new Map([...leaves(wanted)].filter(([path]) => isOwned(path)));
  const others = [...stored.owners].filter(([name]) => name !== own);
  const conflicts = [...next].flatMap(([path, value]) =>
    others.filter(([, paths]) => paths.has(path) && !same(now.get(path), value)).map(([name]) => [name, path] as const),
  );
  if (conflicts.length > 0 && !force)
    return conflicts.map(([name, path]) => `conflict with "${name.split(' ')[0]}": .${JSON.parse(path).join('.')}`);
  for (const [name, path] of conflicts) stored.owners.get(name)?.delete(path);
  for (const path of stored.owners.get(own) ?? [])
    if (!next.has(path) && !others.some(([, paths]) => paths.has(path))) put(stored.object, path, undefined);
  for (const [path, value] of next) put(stored.object, path, value);
  stored.owners.set(own, new Set(next.keys()));
  return [];
}

/** Any other change: what it changes becomes the changer's. */
function update(stored: Stored, manager: string, patch: Any): void {
  const now = new Map(leaves(stored.object));
  for (const [path, value] of leaves(patch)) {
    if (!isOwned(path) || same(now.get(path), value)) continue;
    for (const paths of stored.owners.values()) paths.delete(path);
    put(stored.object, path, value === null ? undefined : value);
    const own = stored.owners.get(`${manager} Update`) ?? new Set();
    stored.owners.set(`${manager} Update`, own.add(path));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Any> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (request.headers['content-type']?.endsWith('protobuf')) return readSecret(body);
  return body.length > 0 ? parse(body.toString()) : undefined;
}

function send(response: ServerResponse, code: number, body: Any): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

function discovery(path: string): Any {
  if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.0' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') {
    const version = { groupVersion: 'batch/v1', version: 'v1' };
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [{ name: 'batch', versions: [version], preferredVersion: version }],
    };
  }
  const groupVersion = /^\/apis?\/(v1|batch\/v1)$/.exec(path)?.[1];
  if (!groupVersion) return undefined;
  const resources = Object.entries(KINDS[groupVersion] ?? {}).map(([name, kind]) => ({
    name,
    singularName: kind.toLowerCase(),
    kind,
    namespaced: name !== 'namespaces',
    verbs,
  }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

/** Starts an empty cluster with the namespace `default`. */
export async function startCluster(): Promise<Cluster> {
  const objects = new Map<string, Stored>();
  let version = 0;
  const keep = (key: string, stored: Stored) => {
    Object.assign(stored.object.metadata, { resourceVersion: String(++version) });
    objects.set(key, stored);
  };
  const fresh = (body: Any): Stored => ({
    object: { ...body, metadata: { ...body.metadata, uid: randomUUID(), creationTimestamp: new Date().toISOString() } },
    owners: new Map(),
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://cluster');
    const known = discovery(url.pathname);
    if (known) return send(response, 200, known);
    const [, group, resource = '', name] =
      /^\/apis?\/(v1|batch\/v1)\/(?:namespaces\/[^/]+\/)?([a-z]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const kind = KINDS[group ?? '']?.[resource];
    if (!kind) return refuse(response, 404, 'NotFound', `the server could not find ${url.pathname}`);
    const body = await bodyOf(request);
    const key = `${kind}/${name ?? body?.metadata?.name}`;
    const stored = objects.get(key);
    const manager = url.searchParams.get('fieldManager') ?? request.headers['user-agent']?.split('/')[0] ?? '';
    switch (request.method) {
      case 'GET': {
        if (name) break;
        const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').map((term) => term.split('='));
        const items = [...objects]
          .filter(([id]) => id.startsWith(`${kind}/`))
          .map(([, { object }]) => object)
          .filter(({ metadata }) =>
            wanted.every(([label = '', value]) => !label || metadata.labels?.[label] === value),
          );
        return send(response, 200, {
          kind: `${kind}List`,
          apiVersion: group,
          metadata: { resourceVersion: String(version) },
          items,
        });
      }
      case 'POST': {
        if (stored) return refuse(response, 409, 'AlreadyExists', `${key} already exists`);
        const made = fresh({ apiVersion: group, kind, metadata: body.metadata });
        update(made, manager, body);
        keep(key, made);
        return send(response, 201, made.object);
      }
      case 'PUT': {
        if (!stored) break;
        update(stored, manager, body);
        keep(key, stored);
        break;
      }
      case 'PATCH': {
        if (request.headers['content-type'] !== 'application/apply-patch+yaml') {
          if (!stored) break;
          update(stored, manager, body);
          keep(key, stored);
          break;
        }
        const target =
          stored ??
          fresh({ apiVersion: group, kind, metadata: { name: name ?? '', namespace: body.metadata.namespace } });
        const conflicts = apply(target, manager, body, url.searchParams.get('force') === 'true');
        if (conflicts.length > 0)
          return refuse(
            response,
            409,
            'Conflict',
            `Apply failed with ${conflicts.length} conflict: ${conflicts.join('; ')}`,
          );
        keep(key, target);
        return send(response, stored ? 200 : 201, target.object);
      }
      case 'DELETE': {
        if (!stored) break;
        objects.delete(key);
        return send(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' });
      }
    }
    const found = objects.get(key);
    return found
      ? send(response, 200, found.object)
      : refuse(response, 404, 'NotFound', `${resource} "${name}" not found`);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => refuse(response, 500, 'InternalError', String(error)));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'run-job-cluster-'));
  const kubeconfig = join(folder, 'config');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
      'current-context': 'c',
    }),
  );
  return {
    kubeconfig,
    get: (kind, name) => objects.get(`${kind}/${name}`)?.object,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
