// The rows of partitions.sql and roots.sql.
import type { Trigger } from './model.ts';

/** One table that holds rows, under the table that it belongs to (itself, when it isn't a partition). */
export interface PartitionRow {
  readonly root: string;
  readonly oid: string;
  readonly path: readonly string[];
  readonly schema: string;
  readonly name: string;
  readonly foreign: boolean;
  /** The name of its table access method. */
  readonly access: string;
  readonly bytes: number;
  readonly rowsPerBlock: number | null;
  /** The rights that the role lacks. */
  readonly missing: readonly string[];
  readonly rowSecurity: boolean;
  readonly indexed: boolean;
  /** Whether its deletes are published and nothing tells subscribers which row went. */
  readonly lacksIdentity: boolean;
  /** Whether its deletes are published. */
  readonly published: boolean;
  /** Whether a rule of its own turns a DELETE into something else. */
  readonly ruled: boolean;
  /** The condition that its rows fulfil as rows of a partition, as SQL; null when it is none. */
  readonly bounds: string | null;
}

/** What is true of a table as a whole. */
export interface RootRow {
  readonly oid: string;
  readonly missing: readonly string[];
  readonly schemaUsable: boolean;
  readonly rowSecurity: boolean;
  readonly rules: readonly string[];
  readonly triggers: readonly Trigger[];
}
