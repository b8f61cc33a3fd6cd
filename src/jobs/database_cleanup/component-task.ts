// What is cleaned together: the tables of one strongly connected component, and the partitions that hold their rows.
import type { BatchSubject } from './batch-subject.ts';
import type { ForeignKey, Table } from './model.ts';
import type { PassOutcome } from './pass.ts';
import type { Archive } from './statements.ts';

/** The cleaning of one component. */
export interface ComponentTask {
  readonly tables: readonly Table[];
  /** Whether its tables refer to each other, or its one table to itself. */
  readonly cyclic: boolean;
  readonly foreignKeys: readonly ForeignKey[];
  readonly archives: ReadonlyMap<string, Archive>;
  /** Due rows of each partition, by its oid. */
  readonly due: ReadonlyMap<string, number>;
  /** The tables, by their oids, whose due rows no row refers to that a cascade would take, as counted before the first batch. */
  readonly takesNone: ReadonlySet<string>;
  /** The block at which an earlier run wants this one to go on, by the partition's name. */
  readonly resumeFrom: ReadonlyMap<string, number>;
  /** Awaited before each batch. */
  readonly rest: () => Promise<void>;
}

/** The cleaning of one partition. */
export interface PartitionTask {
  readonly table: Table;
  subject: BatchSubject;
  readonly byIndex: boolean;
  /** The block at which an earlier run wants this one to go on; what that one has looked at comes last. */
  readonly from: number | undefined;
  /** Whether batches may delete without a look at who refers to the rows: what a cascade took would be undone, and nobody told. */
  readonly mayTry: boolean;
  /** What the last pass over it left. */
  last: PassOutcome | undefined;
  /** Whether it is known that no more of its rows can go. */
  settled: boolean;
}
