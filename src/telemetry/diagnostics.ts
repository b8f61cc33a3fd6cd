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

/** What the SDK says of an answer that it can't read, before it takes the batch for one that has arrived. */
const UNREADABLE = /Failed to parse \w+ export response|could not deserialize response/;

/**
 * Writes each of the SDK's warnings once. Its errors are warnings too: trouble with telemetry is never an error of the run. A batch
 * that the collector took in part is booked as lost in part, one that was answered with a page as lost, and told with the other losses.
 */
export function diagnostics(log: Logger, delivery: Delivery): DiagLogger {
  const seen = new Set<string>();
  const warn = (message: string, ...details: unknown[]) => {
    if (message.startsWith('Received Partial Success response') && bookRefused(String(details[0]), delivery)) return;
    const text = [message, ...details.map(String)].join(' ');
    if (UNREADABLE.test(text) && isPage(text, details.at(-1))) {
      delivery.misanswered('the answer is a web page, and not that of a collector');
      return;
    }
    // Without the answer itself. Some services that take all say so in words of their own.
    const told = UNREADABLE.test(text)
      ? "the collector's answers can't be read; what was sent is taken to have arrived"
      : text;
    if (seen.has(told)) return;
    seen.add(told);
    log.warn(`OpenTelemetry: ${told}`);
  };
  // Without the details, which are whole batches.
  const debug = (message: string) => log.debug(`OpenTelemetry: ${message}`);
  return { error: warn, warn, info: debug, debug, verbose: debug };
}

/** By what JSON or protobuf's reader stumbled over: whoever answers with a page, such as one to log in, took nothing. */
function isPage(text: string, answer: unknown): boolean {
  return text.includes("Unexpected token '<'") || /^\s*</.test(String(answer));
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
