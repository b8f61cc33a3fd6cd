// Which settings of a monitor are to be changed: those that nobody has chosen there since they were written from here. Pure.
import type { Settings } from './monitor-service.ts';

/** What was written the last time. */
export interface Written {
  /** What was asked for. */
  readonly asked: Settings;
  /** What the service said then: it may tell the same in other words. */
  readonly told: Settings;
}

export interface Merged {
  /** To be written. */
  readonly change: Settings;
  /** Other than asked for, and left, since somebody chose so there. */
  readonly kept: readonly string[];
}

/**
 * @param there as it stands there
 * @param defaults what stands there where nobody chose
 * @param written absent where nothing was ever written from here
 */
export function merge(wish: Settings, there: Settings, defaults: Settings, written: Written | undefined): Merged {
  const change: Record<string, Settings[string]> = {};
  const kept: string[] = [];
  for (const [name, wanted] of Object.entries(wish)) {
    const now = there[name];
    if (isList(wanted)) {
      const next = mergeLists(wanted, isList(now) ? now : [], written?.asked[name]);
      if (!same(next, now ?? [])) change[name] = next;
      continue;
    }
    if (same(wanted, now)) continue;
    const before = written?.told[name];
    // Nothing to say, and never said anything.
    if (wanted === '' && before === undefined) continue;
    const untouched = before !== undefined ? same(now, before) : now === undefined || same(now, defaults[name]);
    if (!untouched) kept.push(name);
    else if (before === undefined || !same(wanted, written?.asked[name])) change[name] = wanted;
  }
  return { change, kept };
}

/** Words are added and taken away one by one: what people have added stays, and what they took away stays away. */
function mergeLists(wanted: readonly string[], now: readonly string[], asked: Settings[string] | undefined): string[] {
  const before = isList(asked) ? asked : [];
  const stays = now.filter((word) => wanted.includes(word) || !before.includes(word));
  return [...stays, ...wanted.filter((word) => !now.includes(word) && !before.includes(word))];
}

const isList = (value: Settings[string] | undefined): value is readonly string[] => Array.isArray(value);

function same(a: Settings[string] | undefined, b: Settings[string] | undefined): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((word) => b.includes(word));
  return a === b;
}
