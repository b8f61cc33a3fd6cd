// Rows that are known by the table that holds them and their ctid, each once. Pure.

/** A row: the oid of the table or partition that holds it, and its ctid. */
export interface FoundRow {
  readonly rel: string;
  readonly at: string;
}

/** A set of rows. */
export class RowSet {
  readonly #ctids = new Map<string, Set<string>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds the rows; returns those that weren't in the set. */
  add(rows: readonly FoundRow[]): FoundRow[] {
    return rows.filter(({ rel, at }) => {
      const ctids = this.#ctids.get(rel) ?? new Set();
      this.#ctids.set(rel, ctids);
      if (ctids.has(at)) return false;
      ctids.add(at);
      this.#size += 1;
      return true;
    });
  }
}

/** So many ctids are sent in one statement. */
const CHUNK = 5_000;

/** The rows as lists of ctids, each of one table or partition and of a bounded length. */
export function* chunksOf(rows: readonly FoundRow[]): Generator<{ rel: string; ctids: string[] }> {
  const byRel = new Map<string, string[]>();
  for (const { rel, at } of rows) {
    const ctids = byRel.get(rel) ?? [];
    byRel.set(rel, ctids);
    ctids.push(at);
  }
  for (const [rel, ctids] of byRel) {
    for (let from = 0; from < ctids.length; from += CHUNK) yield { rel, ctids: ctids.slice(from, from + CHUNK) };
  }
}
