// What became of rows, and how it adds up. Pure.
import type { Refusal } from './model.ts';
import { addRefusals } from './refusal-sums.ts';

/** What became of the due rows of a scope. */
export interface Outcome {
  readonly due: number;
  readonly deleted: number;
  readonly blocked: number;
  readonly skipped: number;
  readonly kept: number;
  /** Why those were kept. */
  readonly refusals: readonly Refusal[];
}

export const NOTHING: Outcome = { due: 0, deleted: 0, blocked: 0, skipped: 0, kept: 0, refusals: [] };

export function sum(a: Outcome, b: Outcome): Outcome {
  return {
    due: a.due + b.due,
    deleted: a.deleted + b.deleted,
    blocked: a.blocked + b.blocked,
    skipped: a.skipped + b.skipped,
    kept: a.kept + b.kept,
    refusals: addRefusals(a.refusals, b.refusals),
  };
}
