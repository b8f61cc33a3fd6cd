// What the job knows of the database that it works on.
import type { Context } from '../../job.ts';
import type { Params } from './params.ts';
import type { progress } from './saved.ts';

/** What the job is given. */
export type Ctx = Context<Params, 'postgres', typeof progress>;

/** The kinds of column that can say when a row was soft-deleted. */
export type ColumnType = 'timestamptz' | 'timestamp' | 'date';

/** What is known of the server, read once as the run begins. */
export interface Server {
  readonly version: number;
  readonly blockSize: number;
  readonly role: string;
  readonly readOnly: boolean;
  readonly inRecovery: boolean;
  /** The instant that retention counts back from: the scheduled time, or the database's clock if that is earlier. */
  readonly base: Date;
  /** The number that the next writing transaction gets. */
  readonly nextXid: string;
  /** How often the server can be told to look whether we are still there, in milliseconds; undefined when it can't. */
  readonly clientCheckMs?: number | undefined;
}

/** What holds rows itself: a partition at the bottom of a partitioned table, or a table that isn't partitioned, as its own only partition. */
export interface Partition {
  readonly oid: string;
  /** Its own name and those of the tables that it is a partition of, as object ids. */
  readonly path: readonly string[];
  readonly name: string;
  /** What statements work on, as SQL: `only` this table, or the partitioned table that it belongs to. */
  readonly target: string;
  /** The condition that picks this partition when `target` is more than it; else empty. */
  readonly only: string;
  readonly blocks: number;
  /** The usual number of rows in a block; a guess where no statistics exist. */
  readonly rowsPerBlock: number;
  /** Whether an index finds the due rows. */
  readonly indexed: boolean;
}

/** A trigger of the user's that fires when a row of the table is deleted. */
export interface Trigger {
  readonly name: string;
  readonly row: boolean;
  readonly before: boolean;
}

/** What a column is declared with, in its table or in any partition of it. */
export interface Declared {
  readonly notNull: boolean;
  /** A default other than NULL and infinity, as SQL. */
  readonly byDefault: string | null;
}

/** One table that the job cleans, partitioned or not. */
export interface Table {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, as people write it. */
  readonly label: string;
  /** The table with all its partitions, as SQL. */
  readonly target: string;
  readonly partitioned: boolean;
  readonly column: string;
  readonly columnType: ColumnType;
  readonly cutoff: Date;
  /** The condition on a row under this alias that says: it is due. */
  readonly due: (alias: string) => string;
  /** The same of a value of the column, as SQL. */
  readonly dueValue: (value: string) => string;
  /** What is declared of the column. */
  readonly declares: Declared;
  readonly partitions: readonly Partition[];
  readonly triggers: readonly Trigger[];
  /** Whether row-level security applies to it, or to any partition: then rows may be seen that it lets nobody delete. */
  readonly rowSecurity: boolean;
  /** Whether its deletes are published, in any partition. */
  readonly published: boolean;
  /** Why the job can't work on it; undefined when it can. */
  readonly problem: string | undefined;
  /** Why PostgreSQL would refuse to delete its rows, or do it wrong; undefined when it wouldn't. No matter where none is due. */
  readonly obstacle: string | undefined;
}

/** What happens to a row when the row that it refers to is deleted. */
export type OnDelete = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** A foreign key that points at one of the tables. */
export interface ForeignKey {
  readonly oid: string;
  readonly name: string;
  /** The table that refers: the topmost one when that is a partition. */
  readonly childOid: string;
  /** As SQL, partitions included. */
  readonly child: string;
  readonly childLabel: string;
  /** The table that is referred to: the topmost one, and the very one that the constraint names. */
  readonly parentOid: string;
  readonly parentExactOid: string;
  readonly childColumns: readonly string[];
  readonly parentColumns: readonly string[];
  /** The constraint's own operators, parent = child, as SQL. */
  readonly operators: readonly string[];
  /** What makes the parent's columns comparable where the collations differ, as SQL; else empty. */
  readonly collations: readonly string[];
  /** Whether PostgreSQL checks and follows it when a parent is deleted: its triggers may be disabled. */
  readonly actsOnDelete: boolean;
  readonly onDelete: OnDelete;
  /** Whether SET NULL or SET DEFAULT would put null into a column that is NOT NULL, so that deleting the parent fails. */
  readonly setsNullInNotNull: boolean;
  /** Whether an index of the child finds the rows that refer to one row. */
  readonly indexed: boolean;
  /** Whether the child has no triggers and no rules of the user's, so that what is undone there has told nobody. */
  readonly quiet: boolean;
  /** The size of the child, its partitions included. */
  readonly childBytes: number;
  /** Whether this role sees every row of the child. */
  readonly readable: boolean;
}

/** Why some rows of a table were refused. */
export interface Refusal {
  /** What tells reasons apart that differ by more than a row's values. */
  readonly key: string;
  /** The message of the first of these rows. */
  readonly reason: string;
  readonly rows: number;
  /** The primary key of one of the rows, such as `id=4`, or its ctid where the table has none; absent where it can't be told. */
  readonly example?: string;
}

/** What happened to one table in a run. */
export interface Tally {
  /** Rows that were due as the run began. */
  matched: number;
  deleted: number;
  /** Rows that stay because others refer to them. */
  blocked: number;
  /** Rows that somebody else had locked or just changed. */
  skippedLocked: number;
  /** Rows that a trigger or a constraint refused to let go. */
  kept: number;
  /** Why those were refused. */
  refusals: readonly Refusal[];
  batches: number;
  durationMs: number;
  longestBatchMs: number;
}
