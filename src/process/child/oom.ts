// How often the kernel has ended a process of our control group for want of memory.
import { readFileSync } from 'node:fs';

/** The count of our memory control group (v2, else v1); 0 where none can be read. */
export function oomKills(): number {
  for (const file of files()) {
    try {
      const count = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
      if (count !== undefined) return Number(count);
    } catch {
      // Not there, or not that version.
    }
  }
  return 0;
}

/** The most memory that our control group may use, in bytes; undefined where there is no limit, or none can be read. */
export function memoryLimit(): number | undefined {
  for (const file of files('memory.max', 'memory.limit_in_bytes')) {
    try {
      const bytes = Number(readFileSync(file, 'utf8').trim());
      // Version 1 writes "no limit" as a number near 2^63.
      return Number.isFinite(bytes) && bytes < 2 ** 60 ? bytes : undefined;
    } catch {
      // As above.
    }
  }
  return undefined;
}

/** Where they may be: a container sees its own group as the root, a process outside one sees all of the path. */
function files(v2 = 'memory.events', v1 = 'memory.oom_control'): string[] {
  let groups = '';
  try {
    groups = readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return [];
  }
  const path2 = /^0::(.*)$/m.exec(groups)?.[1] ?? '/';
  const path1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  return [
    `/sys/fs/cgroup${path2}/${v2}`,
    ...(path1 === undefined ? [] : [`/sys/fs/cgroup/memory${path1}/${v1}`, `/sys/fs/cgroup/memory/${v1}`]),
    `/sys/fs/cgroup/${v2}`,
  ];
}
