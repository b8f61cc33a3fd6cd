// The scope of a batch: which rows it looks at, as a range of the table's blocks or a list of ctids that an index has found.
//
// Batches are cut by the rows' physical position (ctid). Every table has it, with or without a primary key; it is unique; each block is
// read once, in order, so the last batch costs what the first did; and a DELETE by it needs no other index. Its weakness is a row that
// is updated while the job runs: it moves, perhaps to a block that is done. Such a row is due still, and the next run takes it.

/** Blocks `from` up to, and not including, `to`. */
export interface BlockRange {
  readonly kind: 'blocks';
  readonly from: number;
  readonly to: number;
  /** The highest line pointer that is looked at; any that a block can have, unless said. Version 14 and later don't need it. */
  readonly highest?: number;
}

/** Rows by their ctid, as PostgreSQL writes it. */
export interface CtidList {
  readonly kind: 'ctids';
  readonly ctids: readonly string[];
}

export type Scope = BlockRange | CtidList;

/** Cuts block ranges into ranges of as many blocks as `size` says at that moment. */
export function* inSteps(ranges: Iterable<BlockRange>, size: () => number): Generator<BlockRange> {
  for (const range of ranges) {
    for (let from = range.from; from < range.to; ) {
      const to = Math.min(range.to, from + Math.max(1, Math.floor(size())));
      yield { ...range, from, to };
      from = to;
    }
  }
}

/** The same from the last block to the first. */
export function* inStepsBack(ranges: Iterable<BlockRange>, size: () => number): Generator<BlockRange> {
  for (const range of [...ranges].reverse()) {
    for (let to = range.to; to > range.from; ) {
      const from = Math.max(range.from, to - Math.max(1, Math.floor(size())));
      yield { ...range, from, to };
      to = from;
    }
  }
}

/** Cuts a list of ctids into lists of as many as `size` says at that moment. */
export function* ctidsInSteps(ctids: readonly string[], size: () => number): Generator<CtidList> {
  for (let from = 0; from < ctids.length; ) {
    const to = from + Math.max(1, Math.floor(size()));
    yield { kind: 'ctids', ctids: ctids.slice(from, to) };
    from = to;
  }
}

/** The same block ranges, beginning at a block, and at the end what comes before it. */
export function startingAt(block: number, ranges: Iterable<BlockRange>): BlockRange[] {
  const before: BlockRange[] = [];
  const after: BlockRange[] = [];
  for (const range of ranges) {
    if (range.from < block) before.push({ ...range, to: Math.min(range.to, block) });
    if (range.to > block) after.push({ ...range, from: Math.max(range.from, block) });
  }
  return [...after, ...before];
}

/** What a scope's condition depends on. */
interface ScopeServer {
  readonly version: number;
  readonly blockSize: number;
}

/** Version 13 has no scan of a ctid range: there a condition names every ctid that its blocks can have. */
export const scansRanges = (server: ScopeServer): boolean => server.version >= 140_000;

/** A scope as SQL. */
export interface ScopeSql {
  /** The condition on the row `t` by which the scope's rows are found. */
  readonly condition: string;
  /**
   * The condition that the row `c` is in the scope, where it has been found in another way and its table is known to be the scope's;
   * undefined where that can't be told cheaply.
   */
  readonly holds: string | undefined;
}

export function scopeSql(scope: Scope, server: ScopeServer): ScopeSql {
  if (scope.kind === 'ctids') {
    const holds = `c.ctid in (select unnest('${ctidArray(scope.ctids)}'::tid[]))`;
    // Version 13 has no hash of a ctid.
    return { condition: listed(scope.ctids), holds: scansRanges(server) ? holds : undefined };
  }
  const { from, to } = scope;
  const between = (alias: string) => `${alias}.ctid >= '(${from},0)'::tid and ${alias}.ctid < '(${to},0)'::tid`;
  if (scansRanges(server)) return { condition: between('t'), holds: between('c') };
  const highest = scope.highest ?? rowsPerBlockAtMost(server);
  const condition = `t.ctid = any (array(
    select format('(%s,%s)', b, o)::tid
    from generate_series(${from}, ${to - 1}) as b, generate_series(1, ${highest}) as o))`;
  return { condition, holds: undefined };
}

/**
 * The condition that `t` is one of these rows. ARRAY(SELECT …) hides the list's length from the planner, which would rather scan the
 * table than fetch many rows by ctid.
 */
export const listed = (ctids: readonly string[]): string =>
  `t.ctid = any (array(select unnest('${ctidArray(ctids)}'::tid[])))`;

/** The most rows that the scope can hold. */
export const mostRows = (scope: Scope, server: ScopeServer): number =>
  scope.kind === 'ctids' ? scope.ctids.length : (scope.to - scope.from) * rowsPerBlockAtMost(server);

/** A block has a header of 24 bytes; an empty row takes 24 bytes and a line pointer of 4. */
const rowsPerBlockAtMost = (server: ScopeServer): number => Math.floor((server.blockSize - 24) / 28);

/** The block of a ctid. */
export const blockOf = (ctid: string): number => Number.parseInt(ctid.slice(1), 10);

/** ctids as the text of a tid[]. */
export const ctidArray = (ctids: readonly string[]): string => `{${ctids.map((ctid) => `"${ctid}"`).join(',')}}`;

/** Two halves of a scope, or nothing when it can't be less: of a block, those of the rows that it can hold. */
export function halves(scope: Scope, server: ScopeServer): [Scope, Scope] | undefined {
  if (scope.kind === 'ctids') {
    const middle = scope.ctids.length >> 1;
    if (middle === 0) return undefined;
    return [
      { kind: 'ctids', ctids: scope.ctids.slice(0, middle) },
      { kind: 'ctids', ctids: scope.ctids.slice(middle) },
    ];
  }
  const middle = (scope.from + scope.to) >> 1;
  if (middle === scope.from) {
    const most = scope.highest ?? rowsPerBlockAtMost(server);
    const ctids = Array.from({ length: most }, (_, at) => `(${scope.from},${at + 1})`);
    return halves({ kind: 'ctids', ctids }, server);
  }
  return [
    { ...scope, to: middle },
    { ...scope, from: middle },
  ];
}
