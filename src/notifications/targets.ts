// From what stands in RUN_JOB_NOTIFY to those who are to be notified.
import { ConfigError } from '../errors.ts';
import type { OutgoingRequest } from '../runner/ports.ts';
import type { Notification } from './notification.ts';
import { slackProblem, slackRequest } from './slack.ts';
import { signingKey, webhookRequest } from './webhook.ts';

/** Whoever is to be notified over HTTP. */
export interface HttpTarget {
  readonly via: 'http';
  /** What it is and where, without a secret. */
  readonly label: string;
  /** By which it is known what it has had; it gives no address away. */
  readonly digest: string;
  /** @param now what is signed is refused when it is minutes old, or of the future */
  request(notification: Notification, now: Date): OutgoingRequest;
  /** What is wrong with an answer of this status; undefined where nothing is. */
  problem(status: number): string | undefined;
}

/** Whoever is to be notified by RabbitMQ. */
export interface BrokerTarget {
  readonly via: 'rabbitmq';
  readonly label: string;
  readonly digest: string;
  readonly urls: readonly string[];
}

export type Target = HttpTarget | BrokerTarget;

export interface TargetSettings {
  /** RUN_JOB_NOTIFY_SECRET */
  readonly secret: string | undefined;
  /** AMQP_URL, for which the word `rabbitmq` stands. */
  readonly brokers: readonly string[];
}

const SLACK_HOST = 'hooks.slack.com';

/**
 * The target at an address.
 * @throws {ConfigError} `rabbitmq` stands for AMQP_URL, and that isn't set; or the secret of a webhook can't be read
 */
export function targetOf(given: string, { secret, brokers }: TargetSettings): Target {
  const digest = process.getBuiltinModule('node:crypto').hash('sha256', given, 'hex').slice(0, 12);
  if (given === 'rabbitmq' || /^amqps?:/.test(given)) {
    const urls = given === 'rabbitmq' ? brokers : [given];
    if (urls.length === 0)
      throw new ConfigError('RUN_JOB_NOTIFY names rabbitmq, and AMQP_URL is not set: set it, or name the URL');
    return { via: 'rabbitmq', label: `RabbitMQ at ${new URL(urls[0] ?? '').host}`, digest, urls };
  }
  const [, named, address = ''] = /^(?:([a-z]+)\+)?(.*)$/s.exec(given) ?? [];
  const { host } = new URL(address);
  if (named === 'slack' || (named === undefined && host === SLACK_HOST)) {
    const label = `Slack at ${host}`;
    return {
      via: 'http',
      label,
      digest,
      request: (notification) => slackRequest(address, label, notification),
      problem: (status) => slackProblem(status) ?? commonProblem(status),
    };
  }
  const label = `webhook at ${host}`;
  const key = secret === undefined ? undefined : signingKey(secret);
  return {
    via: 'http',
    label,
    digest,
    request: (notification, now) => webhookRequest(address, label, notification, { key, now }),
    problem: commonProblem,
  };
}

function commonProblem(status: number): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return `it answered ${status}, which leads elsewhere: name that address instead`;
  if (status === 401 || status === 403) return `it answered ${status}: is the address or RUN_JOB_NOTIFY_SECRET right?`;
  if (status === 429) return 'it answered 429: it is told more than it takes';
  return `it answered ${status}`;
}
