// The strongly connected components of the tables, in the order in which they are cleaned: what refers before what is referred to. Pure.

/** A strongly connected component: tables that refer to each other in a cycle, or one table alone. */
export interface Component {
  readonly nodes: readonly string[];
  /** Whether its tables refer to each other, or its one table to itself. */
  readonly cyclic: boolean;
}

/** A node that must come before another. */
export interface Precedence {
  readonly before: string;
  readonly after: string;
}

/** Strongly connected components (Tarjan's algorithm), each after all that must come before it. */
export function componentsInOrder(nodes: readonly string[], precedences: readonly Precedence[]): Component[] {
  const predecessors = new Map<string, string[]>(nodes.map((node) => [node, []]));
  for (const { before, after } of precedences) if (predecessors.has(before)) predecessors.get(after)?.push(before);

  const components: Component[] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    onStack.add(node);
    const own = () => low.get(node) as number;
    for (const next of predecessors.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(own(), low.get(next) as number));
      } else if (onStack.has(next)) {
        low.set(node, Math.min(own(), index.get(next) as number));
      }
    }
    if (own() !== index.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    for (const member of members) onStack.delete(member);
    const selfReferring = predecessors.get(node)?.includes(node) ?? false;
    components.push({ nodes: members, cyclic: members.length > 1 || selfReferring });
  };

  for (const node of nodes) if (!index.has(node)) visit(node);
  return components;
}
