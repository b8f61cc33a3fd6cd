// The certificates and the key that OTEL_EXPORTER_OTLP_* name, for a collector behind TLS.
import { readFileSync, statSync } from 'node:fs';
import type { Environment } from './options.ts';
import type { Signal } from './settings.ts';

/** As `node:tls` takes them; what isn't named, or can't be read, is absent. */
export interface CollectorTls {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/**
 * Reads the files for one signal: its own variables go before the common ones.
 * @param warn hears of a file that can't be read
 */
export function readCollectorTls(env: Environment, signal: Signal, warn: (message: string) => void): CollectorTls {
  const file = (what: string): Buffer | undefined => {
    const names = [`OTEL_EXPORTER_OTLP_${signal}_${what}`, `OTEL_EXPORTER_OTLP_${what}`];
    const name = names.find((candidate) => env[candidate]?.trim());
    if (name === undefined) return undefined;
    try {
      const path = env[name]?.trim() ?? '';
      // A device or a pipe would be read for ever.
      if (statSync(path).isFile()) return readFileSync(path);
    } catch {
      // Not there, or not ours to read: it is told below.
    }
    warn(`${name} names a file that can't be read`);
    return undefined;
  };
  return { ca: file('CERTIFICATE'), cert: file('CLIENT_CERTIFICATE'), key: file('CLIENT_KEY') };
}
