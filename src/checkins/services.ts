// From what stands in RUN_JOB_CHECKINS to the services that it means.
import { ConfigError } from '../errors.ts';
import { cronitor } from './cronitor.ts';
import { healthchecks, UUID } from './healthchecks.ts';
import { sentry } from './sentry.ts';
import type { CheckInService } from './service.ts';
import { webhook } from './webhook.ts';

const HEALTHCHECKS_HOST = 'hc-ping.com';
const CRONITOR_HOST = 'cronitor.link';

/** As Healthchecks makes them. */
const PING_KEY = /^[\w-]{8,}$/;

/**
 * The service at an address: by the word before it (`healthchecks+https://…`), else by what the address looks like, else a webhook.
 * @throws {ConfigError} it lacks what such an address must have; the address isn't told, since it is a secret
 */
export function serviceOf(given: string, position: number): CheckInService {
  const [, named, address = ''] = /^(?:([a-z]+)\+)?(.*)$/s.exec(given) ?? [];
  const url = new URL(address);
  const path = url.pathname.split('/').filter(Boolean);
  const wrong = (what: string) => new ConfigError(`RUN_JOB_CHECKINS, number ${position}: ${what}`);
  switch (named ?? guess(url, path)) {
    case 'healthchecks': {
      // On a site of one's own, the pings have a path.
      const at =
        path.findIndex((part) => UUID.test(part)) >= 0
          ? path.findIndex((part) => UUID.test(part))
          : url.host === HEALTHCHECKS_HOST
            ? 0
            : path.lastIndexOf('ping') + 1;
      const rest = path.slice(at);
      if (rest.length === 0 || rest.length > 2 || !PING_KEY.test(rest[0] ?? ''))
        throw wrong(
          'Healthchecks needs a check’s UUID or a ping key: https://hc-ping.com/<ping key>, or healthchecks+https://<host>/ping/<ping key>',
        );
      if (rest.length === 2 && !/^[a-z0-9_-]+$/.test(rest[1] ?? ''))
        throw wrong('a slug of Healthchecks has small letters, digits, dashes and underscores, and nothing after it');
      return healthchecks([url.origin, ...path.slice(0, at)].join('/'), rest, url.searchParams);
    }
    case 'sentry': {
      const project = path.at(-1);
      if (!url.username || project === undefined || !/^\d+$/.test(project))
        throw wrong('Sentry needs the DSN of a project: https://<key>@<host>/<project>');
      return sentry([url.origin, ...path.slice(0, -1)].join('/'), project, url.username, url.searchParams);
    }
    case 'cronitor': {
      const [p, apiKey, monitor, ...more] = path;
      if (p !== 'p' || apiKey === undefined || more.length > 0)
        throw wrong('Cronitor needs an API key: https://cronitor.link/p/<api key>');
      return cronitor(url.origin, apiKey, monitor);
    }
    default:
      return webhook(address);
  }
}

function guess(url: URL, path: readonly string[]): 'healthchecks' | 'sentry' | 'cronitor' | 'webhook' {
  const at = path.indexOf('ping');
  if (url.hostname === HEALTHCHECKS_HOST || (at >= 0 && UUID.test(path[at + 1] ?? ''))) return 'healthchecks';
  if (url.hostname === CRONITOR_HOST) return 'cronitor';
  if (url.username && !url.password && /^\d+$/.test(path.at(-1) ?? '')) return 'sentry';
  return 'webhook';
}
