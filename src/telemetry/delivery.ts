// Counts what was made and what arrived, so that a loss can be told in figures.
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { SIGNALS, type Signal } from './settings.ts';

const UNITS: Readonly<Record<Signal, string>> = { TRACES: 'spans', METRICS: 'metric points', LOGS: 'log lines' };

interface Tally {
  made: number;
  arrived: number;
  reason: string | undefined;
}

/** The books of one run: what each signal made, and what the collector took. */
export class Delivery {
  readonly #tallies: Readonly<Record<Signal, Tally>> = {
    TRACES: { made: 0, arrived: 0, reason: undefined },
    METRICS: { made: 0, arrived: 0, reason: undefined },
    LOGS: { made: 0, arrived: 0, reason: undefined },
  };
  readonly #trouble: (signal: Signal) => string | undefined;
  #misanswered: string | undefined;

  /** @param trouble What went wrong last with a signal's requests; it may yet be retried. */
  constructor(trouble: (signal: Signal) => string | undefined) {
    this.#trouble = trouble;
  }

  made(signal: Signal, amount: number): void {
    this.#tallies[signal].made += amount;
  }

  arrived(signal: Signal, amount: number): void {
    if (this.#misanswered === undefined) this.#tallies[signal].arrived += amount;
    else this.#tallies[signal].reason = this.#misanswered;
    this.#misanswered = undefined;
  }

  /** The batch that is said to have arrived next was answered as none is that has. */
  misanswered(reason: string): void {
    this.#misanswered = reason;
  }

  /** A batch was given up. */
  failed(signal: Signal, error: Error | undefined): void {
    this.#tallies[signal].reason = this.#trouble(signal) ?? error?.message;
  }

  /** The collector took a batch, and said that it dropped some of it. */
  refused(signal: Signal, amount: number, reason: string): void {
    this.#tallies[signal].arrived -= amount;
    this.#tallies[signal].reason = reason;
  }

  /** Cumulative metrics: the newest batch tells all that those before it did. */
  forgetEarlier(signal: Signal, amount: number): void {
    this.#tallies[signal].made = amount;
    this.#tallies[signal].arrived = 0;
  }

  /** What was lost, as one sentence; nothing when all arrived. */
  losses(): string | undefined {
    const losses = SIGNALS.flatMap((signal) => {
      const { made, arrived, reason = this.#trouble(signal) ?? 'no answer in time' } = this.#tallies[signal];
      return arrived < made ? [`${made - arrived} of ${made} ${UNITS[signal]} (${reason})`] : [];
    });
    return losses.length === 0
      ? undefined
      : `telemetry was lost: ${losses.join(', ')}; check the collector and OTEL_EXPORTER_OTLP_ENDPOINT`;
  }
}

/** As much of an exporter as can be booked. */
export interface Exporter<Batch> {
  export(batch: Batch, done: (result: ExportResult) => void): void;
}

/**
 * Books what `exporter` sends. The SDK is told that all went well: it would only report a failure in words of its own, and give up
 * waiting for the other signals.
 */
export function booked<Batch, E extends Exporter<Batch>>(
  exporter: E,
  book: { sent?(batch: Batch): void; arrived(batch: Batch): void; failed(error: Error | undefined): void },
): E {
  const send = exporter.export.bind(exporter);
  exporter.export = (batch, done) => {
    book.sent?.(batch);
    const finish = ({ code, error }: ExportResult) => {
      if (code === ExportResultCode.SUCCESS) book.arrived(batch);
      else book.failed(error);
      done({ code: ExportResultCode.SUCCESS });
    };
    try {
      send(batch, finish);
    } catch (error) {
      finish({ code: ExportResultCode.FAILED, error: error as Error });
    }
  };
  return exporter;
}
