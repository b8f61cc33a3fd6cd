// An API server of Kubernetes that shows objects and changes nothing: read as kubectl and as a pod do. Objects are those of its own types.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.d.ts';
import type { Event, Pod } from 'kubernetes-types/core/v1.d.ts';

/** What is in the cluster. */
export interface Objects {
  readonly cronjobs?: readonly CronJob[];
  readonly jobs?: readonly Job[];
  readonly pods?: readonly Pod[];
  readonly events?: readonly Event[];
  /** Kinds that whoever asks may not see. */
  readonly forbidden?: readonly string[];
}

export interface KubeApi extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Each request, with the token that it bore. */
  readonly asked: { readonly path: string; readonly token: string | undefined }[];
}

const APIS: Readonly<Record<string, string>> = { cronjobs: 'batch/v1', jobs: 'batch/v1', pods: 'v1', events: 'v1' };
const KINDS: Readonly<Record<string, string>> = { cronjobs: 'CronJob', jobs: 'Job', pods: 'Pod', events: 'Event' };

/** @param tls where it is to speak HTTPS, as every real one does */
export async function startKubeApi(objects: Objects, tls?: { cert: string; key: string }): Promise<KubeApi> {
  const asked: { path: string; token: string | undefined }[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push({ path: request.url ?? '', token: request.headers.authorization?.replace('Bearer ', '') });
    show(objects, request, response);
  };
  const server = (tls ? createTlsServer(tls, answer) : createServer(answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://localhost:${port}`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function show(objects: Objects, request: IncomingMessage, response: ServerResponse): void {
  const { code, body } = answerTo(objects, new URL(request.url ?? '/', 'http://cluster'));
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

interface Answer {
  readonly code: number;
  readonly body: object;
}

function answerTo(objects: Objects, url: URL): Answer {
  const path =
    /^\/apis?\/(?<api>v1|batch\/v1)\/namespaces\/(?<namespace>[^/]+)\/(?<plural>[a-z]+)(?:\/(?<name>[^/]+))?$/;
  const { api, namespace, plural = '', name } = path.exec(url.pathname)?.groups ?? {};
  if (api === undefined || APIS[plural] !== api) {
    return refusal(404, 'NotFound', 'the server could not find the requested resource');
  }
  if (objects.forbidden?.includes(plural)) {
    const who = 'User "system:serviceaccount:jobs:default"';
    return refusal(
      403,
      'Forbidden',
      `${plural} is forbidden: ${who} cannot list resource "${plural}" in API group "" in the namespace "${namespace}"`,
    );
  }
  const all = (objects[plural as 'pods'] ?? []).filter(({ metadata }) => metadata?.namespace === namespace);
  if (name !== undefined) {
    const one = all.find(({ metadata }) => metadata?.name === name);
    if (one === undefined) return refusal(404, 'NotFound', `${plural}.batch "${name}" not found`);
    return { code: 200, body: { apiVersion: api, kind: KINDS[plural], ...one } };
  }
  const labels = terms(url.searchParams.get('labelSelector'));
  const fields = terms(url.searchParams.get('fieldSelector'));
  const items = all.filter(
    (object) =>
      labels.every(([key, value]) => object.metadata?.labels?.[key] === value) &&
      fields.every(([key, value]) => at(object, key) === value),
  );
  return {
    code: 200,
    body: { apiVersion: api, kind: `${KINDS[plural]}List`, metadata: { resourceVersion: '1' }, items },
  };
}

const terms = (selector: string | null): [string, string][] =>
  (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => term.split('=') as [string, string]);

const at = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);

const refusal = (code: number, reason: string, message: string): Answer => ({
  code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
});
