// The newest slots of a name side by side, the newest at the right.
import type { Slot } from '../api/schemas.ts';
import { CELL, HEIGHT, LABELS, type Shape, shapeAt, shapeOf } from './states.ts';

/** How many cells a strip has. */
const CELLS = 30;

export function Strip({ slots }: { readonly slots: readonly Slot[] }) {
  const paths = new Map<Shape, string>();
  const draw = (shape: Shape, cell: number) => paths.set(shape, (paths.get(shape) ?? '') + shapeAt(shape, cell * CELL));
  const empty = CELLS - slots.length;
  for (let cell = 0; cell < empty; cell++) draw('none', cell);
  for (const [index, slot] of slots.entries()) draw(shapeOf(slot), empty + index);
  return (
    <svg
      class="strip"
      viewBox={`0 0 ${CELLS * CELL} ${HEIGHT}`}
      width={CELLS * CELL}
      height={HEIGHT}
      role="img"
      aria-label={tell(slots)}
    >
      {[...paths].map(([shape, d]) => (
        <path class={`s-${shape}`} d={d} />
      ))}
    </svg>
  );
}

/** Such as "last 30 slots: 28 done, 1 failed, 1 missed". */
function tell(slots: readonly Slot[]): string {
  if (slots.length === 0) return 'no slots yet';
  const counts = [...Map.groupBy(slots, shapeOf)].map(([shape, own]) => `${own.length} ${LABELS[shape]}`);
  return `${slots.length === 1 ? 'last slot' : `last ${slots.length} slots`}: ${counts.join(', ')}`;
}

/** What each shape means. */
export function Legend() {
  const shapes: readonly Shape[] = ['done', 'running', 'due', 'late', 'failed', 'lost', 'skipped', 'missed'];
  return (
    <ul class="legend" aria-label="Legend">
      {shapes.map((shape) => (
        <li>
          <svg viewBox={`0 0 ${CELL} ${HEIGHT}`} width={CELL} height={HEIGHT} aria-hidden="true">
            <path class={`s-${shape}`} d={shapeAt(shape, 0)} />
          </svg>
          {LABELS[shape]}
        </li>
      ))}
    </ul>
  );
}

/** One shape alone, beside its word. */
export function Mark({ shape }: { readonly shape: Shape }) {
  return (
    <svg class="mark" viewBox={`0 0 ${CELL} ${HEIGHT}`} width={CELL} height={HEIGHT} aria-hidden="true">
      <path class={`s-${shape}`} d={shapeAt(shape, 0)} />
    </svg>
  );
}
