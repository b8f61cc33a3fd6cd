// Why a broker could not be connected, in one sentence with its remedy, as the error that says whether to try again.
import { ConfigError, type RunJobError, UnavailableError } from '../errors.ts';
import type { Broker } from './broker.ts';

/** Certificate problems that only another file or another host name mends. */
const BAD_CERTIFICATE =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)\w*|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** Turns what amqplib or the socket threw into our error. */
export function explainConnectError(
  cause: Error & { code?: unknown },
  broker: Broker,
  timedOutAfterMs?: number,
): RunJobError {
  const where = `RabbitMQ at ${broker.address}`;
  const code = typeof cause.code === 'string' ? cause.code : '';
  const reply = Number(/Handshake terminated by server: (\d+)/.exec(cause.message)?.[1]);

  if (timedOutAfterMs !== undefined) {
    return new UnavailableError(
      `${where} did not answer within ${timedOutAfterMs / 1000} s: check the host, the port and what is between (WORKER_CONNECT_TIMEOUT_SECONDS is the limit)`,
      { cause },
    );
  }
  if (reply === 403) {
    return new ConfigError(
      `${where} refused the login (403 ACCESS_REFUSED): check the user and the password in AMQP_URL`,
      { cause },
    );
  }
  // amqplib hides the broker's words here, so it may also be a connection limit or a virtual host that is still starting.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(cause.message)) {
    return new UnavailableError(
      `${where} did not let the user of AMQP_URL into virtual host '${broker.vhost}': check that it exists, that the user has permissions there (rabbitmqctl set_permissions) and that no connection limit is reached`,
      { cause },
    );
  }
  if (BAD_CERTIFICATE.test(code)) {
    return new ConfigError(
      `The certificate of ${where} is not trusted (${code}): set AMQP_CA_FILE to the CA that issued it, and name the host as the certificate does`,
      { cause },
    );
  }
  if (broker.tls && /^(EPROTO|ERR_SSL_)/.test(code)) {
    return new ConfigError(
      `No TLS with ${where} (${code}): check that the port speaks TLS, and whether it wants a client certificate (AMQP_CERT_FILE, AMQP_KEY_FILE)`,
      { cause },
    );
  }
  if (/Socket closed abruptly/.test(cause.message)) {
    return new UnavailableError(
      `${where} closed the connection during the handshake: it may be starting or stopping; check that the port speaks AMQP 0-9-1${broker.tls ? '' : ' and wants no TLS (amqps://)'}`,
      { cause },
    );
  }
  return new UnavailableError(
    `${where} can't be reached (${code || cause.message}): check that it runs, and AMQP_URL`,
    { cause },
  );
}

/** One error for a list of brokers of which none answered: worth a retry when that may mend any of them. */
export function explainNoBroker(errors: readonly RunJobError[]): RunJobError {
  const [first] = errors;
  if (errors.length === 1 && first) return first;
  const text = errors.map(({ message }) => message).join('; ');
  const causes = new AggregateError(errors, 'No broker of AMQP_URL could be connected');
  return errors.every((error) => error instanceof ConfigError)
    ? new ConfigError(text, { cause: causes })
    : new UnavailableError(text, { cause: causes });
}
