// From what stands in RUN_JOB_MONITORS to the services whose monitors are made.
import { ConfigError } from '../errors.ts';
import { cronitorMonitors } from './cronitor-monitors.ts';
import { healthchecksMonitors } from './healthchecks-monitors.ts';
import type { MonitorService } from './monitor-service.ts';
import { sentryMonitors } from './sentry-monitors.ts';

const HEALTHCHECKS_HOST = 'healthchecks.io';
const CRONITOR_HOST = 'cronitor.io';
const SENTRY_HOST = /(?:^|\.)sentry\.io$/;

const SEGMENT = /^[\w.-]+$/;

/**
 * The service at an address: by the word before it (`healthchecks+https://…`), else by its host.
 * @throws {ConfigError} it lacks what such an address must have; the address isn't told, since it is a secret
 */
export function monitorServiceOf(given: string, position: number): MonitorService {
  const [, named, address = ''] = /^(?:([a-z]+)\+)?(.*)$/s.exec(given) ?? [];
  const url = new URL(address);
  const path = url.pathname.split('/').filter(Boolean);
  const wrong = (what: string) => new ConfigError(`RUN_JOB_MONITORS, number ${position}: ${what}`);
  const service = named ?? guess(url);
  const key = decodeURIComponent(url.username);
  if (service !== undefined && (key === '' || url.password !== ''))
    throw wrong('it needs the API key before the host: https://<api key>@<host>');
  switch (service) {
    case 'healthchecks':
      return healthchecksMonitors([url.origin, ...path].join('/'), key);
    case 'cronitor':
      return cronitorMonitors([url.origin, ...path].join('/'), key);
    case 'sentry': {
      const [organization, project] = path.slice(-2);
      if (
        organization === undefined ||
        project === undefined ||
        ![organization, project].every((part) => SEGMENT.test(part))
      )
        throw wrong('Sentry needs an organization and a project: https://<token>@sentry.io/<organization>/<project>');
      return sentryMonitors([url.origin, ...path.slice(0, -2)].join('/'), organization, project, key);
    }
    default:
      throw wrong('nobody knows what is at this host: write healthchecks+, sentry+ or cronitor+ before https://');
  }
}

function guess({ hostname }: URL): 'healthchecks' | 'sentry' | 'cronitor' | undefined {
  if (hostname === HEALTHCHECKS_HOST) return 'healthchecks';
  if (hostname === CRONITOR_HOST) return 'cronitor';
  return SENTRY_HOST.test(hostname) ? 'sentry' : undefined;
}
