// A database small enough to be reasoned about row by row, and what a cleanup of it is told.

export type OnDelete = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** When a row was soft-deleted: never (or not in the past), within the retention, or before it. */
export type Age = 'live' | 'recent' | 'due';

export interface Row {
  readonly id: number;
  readonly age: Age;
  /** The id of the row that it refers to through each key, by the key's name; missing when it refers to none. */
  readonly refs: Map<string, number>;
}

/** What a trigger does when a row is deleted; all but `log` refuse some rows. */
export type Trigger =
  | 'log'
  | 'return null'
  | 'raise'
  | 'raise after'
  | 'raise own state'
  | 'unique'
  | 'not null'
  | 'division by zero'
  | 'raise at commit';

/** How a table is cut into partitions, by `id`. `attached` has a partition whose columns are in another order. */
export type Partitioning = 'none' | 'range' | 'hash' | 'nested' | 'attached';

export interface Table {
  readonly name: string;
  /** The type of `deleted_at`; undefined when the table has no such column. */
  readonly column: 'timestamptz' | 'timestamp' | 'date' | undefined;
  /** Whether live rows hold a sentinel instead of null: such a table is refused. */
  readonly sentinel: boolean;
  readonly partitioning: Partitioning;
  /** Whether rows are so wide that few share a block. */
  readonly wide: boolean;
  readonly indexed: boolean;
  readonly trigger: Trigger | undefined;
  readonly rows: Row[];
}

export interface Key {
  readonly name: string;
  readonly child: Table;
  readonly parent: Table;
  readonly onDelete: OnDelete;
  /** `single` refers to `id`, the other two to `(grp, id)`. */
  readonly shape: 'single' | 'composite' | 'composite full';
  /** What a row refers to after SET DEFAULT: none, a live row, or one that doesn't exist. */
  readonly fallback: number | undefined;
  readonly notNull: boolean;
  /** Whether a check wants rows with an odd id to refer to something. */
  readonly checked: boolean;
  readonly indexed: boolean;
  readonly bigint: boolean;
  readonly deferred: boolean;
  /** Whether the constraint names the first partition only, of the child or of the parent. */
  readonly childPart: boolean;
  readonly parentPart: boolean;
}

export interface Model {
  readonly seed: number;
  readonly tables: readonly Table[];
  readonly keys: readonly Key[];
  readonly analyzed: boolean;
  readonly params: Record<string, unknown> & { readonly allowCascade: boolean; readonly archiveSchema?: string };
  readonly shards: number;
}

/** The ids below this are in the first of the partitions by range. */
export const FIRST_PART_BELOW = 6;

/** Whether the trigger of its table refuses to let this row go. */
export const isRefused = (table: Table, id: number): boolean =>
  table.trigger !== undefined && table.trigger !== 'log' && id % 3 === 1;

/** What the second part of a composite key holds. */
export const groupOf = (id: number): number => id % 3;
