// The API server as a pod reaches it: by the token of its service account.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { UnavailableError } from '../errors.ts';

/** Where Kubernetes puts what a pod needs for it. */
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

const TIMEOUT_MS = 10_000;

/** The objects of a cluster. */
export interface Cluster {
  /** By what it is reached, for people. */
  readonly via: string;
  /** The namespace that is meant where none is named. */
  namespace(): Promise<string>;
  /**
   * What the API server gives for a path; undefined when there is no such thing.
   * @throws {UnavailableError} it can't be reached, or refuses
   */
  get(path: string): Promise<unknown>;
}

/** The cluster that we run in; undefined outside of one, or where no token was mounted. */
export function ownCluster(env: NodeJS.ProcessEnv, folder = FOLDER): Cluster | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const token = read(folder, 'token');
  if (!host || token === undefined) return undefined;
  const via = `the service account's token at ${host}:${port}`;
  return {
    via,
    namespace: async () => read(folder, 'namespace') ?? 'default',
    get: (path) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new UnavailableError(`${via}: ${why}`));
        const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
        const options = {
          host,
          port,
          path,
          headers,
          ca: read(folder, 'ca.crt'),
          timeout: TIMEOUT_MS,
          agent: false as const,
        };
        const asked = request(options, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', (error) => fail(error.message));
          answer.on('end', () => {
            const body = parse(Buffer.concat(chunks).toString());
            if (answer.statusCode === 404) resolve(undefined);
            else if (answer.statusCode !== 200) fail(`HTTP ${answer.statusCode}${reasonIn(body)}`);
            else if (body === undefined) fail('it answered with something other than JSON');
            else resolve(body);
          });
        });
        asked.on('timeout', () => asked.destroy(new Error(`no answer in ${TIMEOUT_MS / 1_000} s`)));
        asked.on('error', (error) => fail(error.message));
        asked.end();
      }),
  };
}

function read(folder: string, file: string): string | undefined {
  try {
    return readFileSync(`${folder}/${file}`, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A Status object says why. */
function reasonIn(body: unknown): string {
  const { message } = (body ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? `, ${message}` : '';
}
