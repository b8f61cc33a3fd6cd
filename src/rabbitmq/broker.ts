// One broker as AMQP_URL names it: where it is, and how amqplib is to be told. Nothing here shows a user name or a password.
import { credentials, type Options, type SocketOptions } from 'amqplib';
import { ConfigError } from '../errors.ts';

/** Heartbeats every 10 s, unless the URL says otherwise: a dead peer is noticed in 20 to 30 s, not in RabbitMQ's 2 minutes. */
const HEARTBEAT_SECONDS = 10;

/** A broker to connect to. */
export interface Broker {
  /** `host:port`, for messages. */
  readonly address: string;
  /** The virtual host's name, for messages. */
  readonly vhost: string;
  readonly tls: boolean;
  readonly options: Options.Connect;
  /** The login: amqplib reads it from the socket's options, not from the URL's. */
  readonly credentials: NonNullable<SocketOptions['credentials']>;
}

/**
 * Reads `amqp[s]://user:password@host:port/vhost?heartbeat=10`. As RabbitMQ's URI specification has it, everything is
 * percent-encoded, and `auth_mechanism=external` lets the client certificate be the login.
 * @throws {ConfigError} it can't be read; the text never quotes it, for it may hold a password
 */
export function parseBroker(text: string): Broker {
  const url = URL.parse(text);
  if (!url || !/^amqps?:$/.test(url.protocol) || url.hostname === '') {
    throw new ConfigError(
      'AMQP_URL is not of the form amqp://user:password@host:5672/vhost (amqps:// for TLS): correct it, and percent-encode what is special in a password',
    );
  }
  const tls = url.protocol === 'amqps:';
  const port = Number(url.port) || (tls ? 5671 : 5672);
  // An empty path is the default virtual host; amqplib decodes the name itself.
  const path = url.pathname.slice(1);
  return {
    address: `${url.hostname}:${port}`,
    vhost: decode(path) || '/',
    tls,
    options: {
      protocol: tls ? 'amqps' : 'amqp',
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port,
      vhost: path,
      heartbeat: wholeNumber(url, 'heartbeat') ?? HEARTBEAT_SECONDS,
    },
    credentials: login(url),
  };
}

function login(url: URL): Broker['credentials'] {
  if (url.searchParams.get('auth_mechanism')?.toLowerCase() === 'external') return credentials.external();
  if (url.username === '' && url.password === '') return credentials.plain('guest', 'guest');
  return credentials.plain(decode(url.username), decode(url.password));
}

function wholeNumber(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,4}$/.test(text))
    throw new ConfigError(`AMQP_URL has a ${name} that is not a whole number of seconds: correct it`);
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError('AMQP_URL has a % that is not followed by two hex digits: write %25 for a percent sign');
  }
}
