// The order in which rows of one table that refer to each other can go: those that refer first. Pure.

/** A due row. */
export interface LinkedRow {
  readonly at: string;
  /** Whether a row refers to it that isn't one of these. */
  readonly blocked: boolean;
  /** Those of the rows that it refers to. */
  readonly parents: readonly string[];
}

/** The rows of which none is referred to by one that has to stay, each after those that refer to it; rows of a cycle come last. */
export function inOrder(rows: readonly LinkedRow[]): string[] {
  const byCtid = new Map(rows.map((row) => [row.at, row]));
  const stays = new Set<string>();
  const held = rows.filter((row) => row.blocked);
  for (let row = held.pop(); row; row = held.pop()) {
    if (stays.has(row.at)) continue;
    stays.add(row.at);
    for (const parent of row.parents) held.push(byCtid.get(parent) as LinkedRow);
  }
  const free = rows.filter((row) => !stays.has(row.at));
  /** How many rows that haven't been listed refer to each. */
  const referring = new Map(free.map((row) => [row.at, 0]));
  const count = (parent: string, by: number) => {
    const number = referring.get(parent);
    if (number !== undefined) referring.set(parent, number + by);
    return number === undefined ? undefined : number + by;
  };
  for (const row of free) for (const parent of row.parents) count(parent, 1);
  const ready = free.filter((row) => referring.get(row.at) === 0);
  const ordered = new Set<string>();
  // The list grows while it is read.
  for (const row of ready) {
    ordered.add(row.at);
    for (const parent of row.parents) if (count(parent, -1) === 0) ready.push(byCtid.get(parent) as LinkedRow);
  }
  return [...ordered, ...free.map((row) => row.at).filter((at) => !ordered.has(at))];
}
