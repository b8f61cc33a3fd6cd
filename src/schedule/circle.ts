// Names that come after one another, and whether they wait for each other in a circle, so that none of them can ever begin.

/**
 * A circle, as the names on it in the order in which they wait, the first one once more at the end; undefined where there is none.
 * @param after for each name, those that it comes after; a name that isn't among them comes after nothing
 */
export function findCircle(after: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  /** Those from which no circle can be reached. */
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    if (done.has(name)) return undefined;
    const begin = path.indexOf(name);
    if (begin >= 0) return [...path.slice(begin), name];
    path.push(name);
    for (const other of after.get(name) ?? []) {
      const circle = visit(other);
      if (circle) return circle;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const name of after.keys()) {
    const circle = visit(name);
    if (circle) return circle;
  }
  return undefined;
}
