// What the batches of one partition work on, and what is known of it beforehand.
import type { Subject } from './statements.ts';
import type { Planning } from './transaction.ts';

/** What a batch works on, and whether it may wait for a row's lock for a moment (`at once`) or must look before it deletes. */
export type BatchSubject = Subject & {
  readonly careful: boolean;
  /** Whether a BEFORE trigger may keep rows, which must be told from those that somebody changes. */
  readonly mayKeep: boolean;
  /** The tables, by their oids, whose rows a cascade would take. */
  readonly cascadesTo: readonly string[];
  /** What the planner is told of its statements. */
  readonly planning: Planning;
  /** Whether each batch reads a child through. */
  readonly scans: boolean;
  /** The names of the keys that set a default: they are violated when there is no such row, and not because of a row that refers. */
  readonly defaultKeys: readonly string[];
  /** Whether it's known that no row which stays refers to a due one; then batches don't look again, until PostgreSQL finds one. */
  readonly unreferred?: { yes: boolean };
  /** Whether triggers write nothing else into the table than what they let go, as far as is known. */
  readonly ownWrites: { none: boolean };
  /** Set while some of the rows are known to be refused: the others are deleted group by group. */
  readonly groups?: Groups;
};

/** What is to be deleted group by group. */
export interface Groups {
  /** The rows of the next group. */
  rows: number;
  /** The ctids that no transaction has come to. */
  rest: string[];
}
