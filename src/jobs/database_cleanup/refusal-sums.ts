// Adds up why rows were refused. Pure.
import type { Refusal } from './model.ts';

/** What both say together. */
export function addRefusals(some: readonly Refusal[], others: readonly Refusal[]): Refusal[] {
  const all = new Map(some.map((refusal) => [refusal.key, refusal]));
  for (const refusal of others) {
    const known = all.get(refusal.key);
    all.set(refusal.key, known ? { ...known, rows: known.rows + refusal.rows } : refusal);
  }
  return [...all.values()];
}

/** What is left of some without others that they contain. */
export const withoutRefusals = (some: readonly Refusal[], others: readonly Refusal[]): Refusal[] =>
  addRefusals(
    some,
    others.map((refusal) => ({ ...refusal, rows: -refusal.rows })),
  ).filter(({ rows }) => rows > 0);
