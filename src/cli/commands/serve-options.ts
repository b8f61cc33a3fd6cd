// The flags of `run-job serve`, and who gets in by them.
import { isIP } from 'node:net';
import type { Config } from '../../app/config.ts';
import { blockList } from '../../console/http/access.ts';
import type { AccessOptions } from '../../console/ports.ts';
import { ConfigError, UsageError } from '../../errors.ts';

interface Given {
  readonly host: string;
  readonly port: string;
  readonly 'trust-proxy'?: string | undefined;
  readonly 'identity-header': string;
  readonly actions?: boolean | undefined;
  readonly actors?: string | undefined;
}

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly access: AccessOptions;
  readonly actions: boolean;
}

const LEAST_TOKEN = 16;

/**
 * @param localUser who acts where nobody says who it is; asked only then
 * @throws {UsageError} a flag isn't what it should be
 * @throws {ConfigError} anybody could get in
 */
export function readServeOptions(
  given: Given,
  config: Pick<Config, 'consoleToken'>,
  localUser: () => string,
): ServeOptions {
  const { host } = given;
  const loopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  if (!/^\d{1,5}$/.test(given.port) || Number(given.port) > 65_535) {
    throw new UsageError('--port must be a number from 0 to 65535');
  }
  if (host === '' || (isIP(host) === 0 && !/^[a-z0-9]([a-z0-9.-]{0,252})$/i.test(host))) {
    throw new UsageError('--host must be an address or a name of this machine, such as 0.0.0.0');
  }
  const trustedProxies = listOf(given['trust-proxy']);
  if (given['trust-proxy'] !== undefined && trustedProxies.length === 0) {
    throw new UsageError('--trust-proxy must name the addresses of the proxies, such as 10.0.0.0/8');
  }
  try {
    blockList(trustedProxies);
  } catch (error) {
    throw new UsageError(
      `--trust-proxy must name addresses such as 10.1.2.3 or 10.0.0.0/8, and "${(error as Error).message}" is none`,
    );
  }
  const identityHeaders = listOf(given['identity-header']).map((name) => name.toLowerCase());
  if (identityHeaders.length === 0 || !identityHeaders.every((name) => /^[a-z0-9-]{1,100}$/.test(name))) {
    throw new UsageError('--identity-header must name headers, such as x-forwarded-email');
  }
  if (given.actors !== undefined && !given.actions)
    throw new UsageError('--actors says who may do what --actions offers: give both');
  const { consoleToken: token } = config;
  if (token !== undefined && token.length < LEAST_TOKEN) {
    throw new ConfigError(
      `RUN_JOB_CONSOLE_TOKEN must have ${LEAST_TOKEN} characters at least: openssl rand -hex 24 makes a good one`,
    );
  }
  // As it stands in a header: Bearer ends at the first other.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError(
      'RUN_JOB_CONSOLE_TOKEN must have no white space and only ASCII characters: openssl rand -hex 24 makes a good one',
    );
  }
  if (!loopback && token === undefined && trustedProxies.length === 0) {
    throw new ConfigError(
      `on ${host} everybody who reaches it could look: set RUN_JOB_CONSOLE_TOKEN, or name the proxies that ask who it is with --trust-proxy`,
    );
  }
  return {
    host,
    port: Number(given.port),
    actions: given.actions ?? false,
    access: {
      loopback,
      ...(token !== undefined && { token }),
      trustedProxies,
      identityHeaders,
      localUser: localUser(),
      ...(given.actors !== undefined && { actors: listOf(given.actors) }),
    },
  };
}

const listOf = (text = ''): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
