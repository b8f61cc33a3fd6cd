// What the run's trace is told of the tables and their batches.
import type { Attributes, SpanOptions } from '../../job.ts';
import type { Table, Tally } from './model.ts';
import { tallyOf, type Work } from './work.ts';

/** So many batches of a table are told of one by one; later ones only when they took longer than any before. */
const TOLD_BATCHES = 20;

/** How a span of statements on tables begins: https://opentelemetry.io/docs/specs/semconv/database/postgresql/ */
export function statementSpan(operation: 'SELECT' | 'DELETE' | 'VACUUM', tables: string): SpanOptions {
  return {
    kind: 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.collection.name': tables,
      'db.query.summary': `${operation} ${tables}`,
    },
  };
}

/** Tells the tables' span of a batch. A million rows make hundreds of batches: the first and the slowest are what helps. */
export function tellBatch(work: Work, table: Table, deleted: number, durationMs: number): void {
  const tally = tallyOf(work, table);
  if (tally.batches > TOLD_BATCHES && durationMs < tally.longestBatchMs) return;
  work.span?.addEvent('database_cleanup.batch', {
    'db.collection.name': table.label,
    'database_cleanup.rows_deleted': deleted,
    'database_cleanup.batch': tally.batches,
    'database_cleanup.duration_ms': Math.round(durationMs),
  });
}

/** What became of tables, for their span. */
export function sumsOf(work: Work, tables: readonly Table[]): Attributes {
  const tallies = tables.map((table) => tallyOf(work, table));
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  return {
    'database_cleanup.rows_deleted': sum((tally) => tally.deleted),
    'database_cleanup.rows_blocked': sum((tally) => tally.blocked),
    'database_cleanup.batches': sum((tally) => tally.batches),
  };
}
