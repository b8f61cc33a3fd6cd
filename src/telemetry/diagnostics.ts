// What the SDK has to say about itself, as lines of the run's log.
import type { DiagLogger } from '@opentelemetry/api';
import type { Logger } from '../job.ts';
import type { Delivery } from './delivery.ts';
import type { Signal } from './settings.ts';

const REJECTED: Readonly<Record<string, Signal>> = {
  rejectedSpans: 'TRACES',
  rejectedDataPoints: 'METRICS',
  rejectedLogRecords: 'LOGS',
};

/**
 * Writes each of the SDK's warnings once. Its errors are warnings too: trouble with telemetry is never an error of the run. A batch
 * that the collector took in part is booked as lost in part, and told with the other losses.
 */
export function diagnostics(log: Logger, delivery: Delivery): DiagLogger {
  const seen = new Set<string>();
  const warn = (message: string, ...details: unknown[]) => {
    if (message.startsWith('Received Partial Success response') && bookRefused(String(details[0]), delivery)) return;
    const text = [message, ...details.map(String)].join(' ');
    if (seen.has(text)) return;
    seen.add(text);
    log.warn(`OpenTelemetry: ${text}`);
  };
  // Without the details, which are whole batches.
  const debug = (message: string) => log.debug(`OpenTelemetry: ${message}`);
  return { error: warn, warn, info: debug, debug, verbose: debug };
}

function bookRefused(json: string, delivery: Delivery): boolean {
  try {
    const response = JSON.parse(json) as Record<string, unknown>;
    for (const [field, signal] of Object.entries(REJECTED)) {
      const amount = Number(response[field] ?? 0);
      if (!(amount > 0)) continue;
      delivery.refused(signal, amount, `refused by the collector: ${response.errorMessage || 'no reason given'}`);
      return true;
    }
  } catch {
    // Not what was expected: it is logged as it stands.
  }
  return false;
}
