// Why a table can't be cleaned at all: said before anything is deleted, with the remedy.
import type { PartitionRow, RootRow } from './catalog.ts';
import type { ForeignKey } from './model.ts';
import type { Params } from './params.ts';
import { identifier, labelOf } from './sql.ts';

interface Subject {
  readonly label: string;
  /** The table as SQL. */
  readonly whole: string;
  readonly facts: RootRow;
  readonly partitions: readonly PartitionRow[];
  readonly referring: readonly ForeignKey[];
  readonly role: string;
  readonly params: Params;
}

/** The first reason, as a sentence; undefined when there is none. */
export function problemOf({ label, whole, facts, partitions, referring, role, params }: Subject): string | undefined {
  if (!facts.schemaUsable) return `the role ${role} has no USAGE on the schema of ${label}; grant it`;
  if (facts.missing.length > 0) {
    return `the role ${role} lacks ${facts.missing.join(', ')} on ${label}; run: GRANT SELECT, UPDATE, DELETE ON ${whole} TO ${identifier(role)}`;
  }
  const odd = partitions.find((partition) => !partition.foreign && partition.access !== 'heap');
  if (odd)
    return `${odd.schema}.${odd.name} has the access method ${odd.access}, and only heap is supported; exclude it`;
  if (facts.rules.length > 0) {
    return `the rule ${facts.rules[0]} on ${label} turns DELETE into something else; drop the rule or exclude the table`;
  }
  if (!params.enableRowSecurity && (facts.rowSecurity || partitions.some((partition) => partition.rowSecurity))) {
    return (
      `row-level security may hide rows of ${label} from the role ${role}; give the role BYPASSRLS, ` +
      `or set enableRowSecurity to clean only what its policies show`
    );
  }
  // Rows that can't be seen can't be counted as referring, and a cascade would take them unseen.
  const hidden = referring.find((key) => !key.readable);
  if (hidden) {
    return `${hidden.childLabel} refers to ${label} (${hidden.name}), and the role ${role} can't see all of its rows; grant SELECT on it (and BYPASSRLS where it has policies)`;
  }
  return undefined;
}

/** Why a table's due rows can't be deleted, foreseen from the catalog, as a sentence; undefined when there is no reason. */
export function obstacleOf({
  label,
  whole,
  partitions,
  referring,
}: Pick<Subject, 'label' | 'whole' | 'partitions' | 'referring'>) {
  const unknown = partitions.find((partition) => !partition.foreign && partition.lacksIdentity);
  if (unknown) {
    const name = `${identifier(unknown.schema)}.${identifier(unknown.name)}`;
    return (
      `the deletes of ${labelOf(unknown.schema, unknown.name)} are published, and it has no replica identity; give it a primary key, ` +
      `or run: ALTER TABLE ${name} REPLICA IDENTITY FULL`
    );
  }
  const asleep = referring.find((key) => !key.actsOnDelete);
  if (asleep) {
    return (
      `the triggers of the foreign key ${asleep.name} on ${label} are disabled, so that ${asleep.childLabel} would refer to rows that ` +
      `are gone; run as a superuser: ALTER TABLE ${whole} ENABLE TRIGGER ALL`
    );
  }
  return undefined;
}
