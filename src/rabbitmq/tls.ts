// The files of AMQP_CA_FILE, AMQP_CERT_FILE and AMQP_KEY_FILE, read once.
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../errors.ts';

/** Where the certificates for `amqps://` are; each is optional, a certificate and its key go together. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What Node's TLS takes. */
export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads the files and checks that they are certificates and a key that fit, so that a wrong mount is told by its variable.
 * @throws {ConfigError}
 */
export function readBrokerTls({ caFile, certFile, keyFile }: TlsFiles): TlsOptions {
  if (Boolean(certFile) !== Boolean(keyFile)) {
    throw new ConfigError(
      'AMQP_CERT_FILE and AMQP_KEY_FILE go together: set both for a client certificate, or neither',
    );
  }
  const options = {
    ...(caFile && { ca: read('AMQP_CA_FILE', caFile) }),
    ...(certFile && { cert: read('AMQP_CERT_FILE', certFile) }),
    ...(keyFile && { key: read('AMQP_KEY_FILE', keyFile) }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new ConfigError(
      'AMQP_CA_FILE, AMQP_CERT_FILE or AMQP_KEY_FILE is not PEM, or the key is not that of the certificate: check what is mounted there',
      { cause },
    );
  }
  return options;
}

function read(variable: string, path: string): Buffer {
  let why: unknown = { code: 'it is no file' };
  try {
    // A device or a pipe would be read for ever.
    if (statSync(path).isFile()) return readFileSync(path);
  } catch (cause) {
    why = cause;
  }
  // What isn't a path may be a secret in the wrong variable.
  const told = /^\.{0,2}\//.test(path) ? path : 'a file';
  throw new ConfigError(
    `${variable} names ${told}, which can't be read (${(why as NodeJS.ErrnoException).code}): mount the file`,
    { cause: why },
  );
}
