// The shapes by which states are told, so that none is told by colour alone: SVG paths in a cell of 8 by 20.

/** What is told by a shape of its own. `lost` is a slot whose run died without a word. */
export type Shape = 'done' | 'running' | 'due' | 'late' | 'failed' | 'lost' | 'skipped' | 'missed' | 'none';

/** The width of a cell. */
export const CELL = 8;
export const HEIGHT = 20;

const DRAW: Readonly<Record<Shape, (x: number) => string>> = {
  // A bar.
  done: (x) => `M${x + 1} 2h6v16h-6z`,
  // A triangle that points on.
  running: (x) => `M${x + 1} 4l6.5 6l-6.5 6z`,
  // A small dot.
  due: (x) => `M${x + 3} 9h2v2h-2z`,
  // An exclamation mark.
  late: (x) => `M${x + 2.5} 2h3v10h-3zM${x + 2.5} 14.5h3v3h-3z`,
  // A cross.
  failed: (x) => `M${x + 0.5} 5.5l1.5-1.5l2 3.5l2-3.5l1.5 1.5l-2 4.5l2 4.5l-1.5 1.5l-2-3.5l-2 3.5l-1.5-1.5l2-4.5z`,
  // A diamond.
  lost: (x) => `M${x + 4} 3l3.8 7l-3.8 7l-3.8-7z`,
  // A line at the bottom.
  skipped: (x) => `M${x + 1} 15h6v3h-6z`,
  // A frame with nothing in it.
  missed: (x) => `M${x + 0.5} 3h7v14h-7zM${x + 2} 4.5v11h4v-11z`,
  // Nothing was expected.
  none: (x) => `M${x + 3} 16h2v1.5h-2z`,
};

/** The path of a state in the cell that begins at `x`. */
export const shapeAt = (shape: Shape, x: number): string => DRAW[shape](x);

/** What each is called. */
export const LABELS: Readonly<Record<Shape, string>> = {
  done: 'done',
  running: 'running',
  due: 'due',
  late: 'late',
  failed: 'failed',
  lost: 'lost',
  skipped: 'skipped',
  missed: 'missed',
  none: 'no slot',
};

/** The shape of a slot. */
export function shapeOf({
  state,
  reason,
}: {
  readonly state: Exclude<Shape, 'lost' | 'none'>;
  readonly reason?: string | undefined;
}): Shape {
  return state === 'failed' && reason === 'lost' ? 'lost' : state;
}

/** The shape of a run by its status. */
export function shapeOfStatus(status: string): Shape {
  switch (status) {
    case 'succeeded':
      return 'done';
    case 'running':
    case 'continued':
      return 'running';
    case 'skipped':
    case 'cancelled':
      return 'skipped';
    case 'lost':
      return 'lost';
    case 'missed':
      return 'missed';
    default:
      return 'failed';
  }
}
