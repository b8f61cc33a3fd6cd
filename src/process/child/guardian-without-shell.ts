// The guardian for an image without a shell, as a program of Node's: kills what is left when the pipe to us closes.
import { closeSync, readSync } from 'node:fs';
import {
  living,
  livingProcesses,
  newestPid,
  type ProcessStat,
  processesBetween,
  wasStartedWith,
  withChildren,
} from './proc.ts';

const ROUNDS = 300;
const LONGEST_PAUSE_MS = 20;
/** How often is looked for whoever was born meanwhile: on a busy machine somebody always is. */
const MOST_LOOKS = 50;
/** As guardian.ts numbers it. */
const LOCK_FD = 5;

const [marker = ''] = process.argv.slice(2);
const leaders = new Set<number>();
/** Who was killed, and when it began: it has soon nothing any more that it could be told by, and isn't dead yet. */
const killed = new Map<number, number>();
let count = 0;

for (const line of linesOf(0)) {
  const [what, leader] = line.split(' ');
  if (what === 'free') letGoOfLock();
  if (what === 'begin') count += 1;
  if (what === '+') leaders.add(Number(leader));
  if (what === '-') {
    count -= 1;
    leaders.delete(Number(leader));
  }
}
if (count > 0) killMembers();

/** As the script for a shell does, and for the same reasons. */
function killMembers(): void {
  let newest = newestPid();
  let looked = livingProcesses();
  for (let round = 1; looked.length > 0 && round <= ROUNDS; round += 1) {
    const again = killAmong(looked);
    // The kernel may take its time for those.
    if (again.length > 0)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(round, LONGEST_PAUSE_MS));
    looked = living(again);
    for (let before = newest, looks = 0; looks < MOST_LOOKS; before = newest, looks += 1) {
      newest = newestPid();
      if (newest === before) break;
      looked.push(...(newest < before ? livingProcesses() : processesBetween(before + 1, newest)));
    }
  }
}

/** Kills the members among these. Returns the pids of those, and of whom can't be told yet. */
function killAmong(looked: readonly ProcessStat[]): number[] {
  const members = new Map<number, ProcessStat>();
  const again: number[] = [];
  for (const one of looked) {
    if (killed.get(one.pid) === one.start) {
      again.push(one.pid);
      continue;
    }
    const started = leaders.has(one.group) || leaders.has(one.session) ? 'yes' : wasStartedWith(one.pid, marker);
    if (started === 'yes') members.set(one.pid, one);
    if (started === 'not yet') again.push(one.pid);
  }
  for (const { pid, start } of withChildren(members, looked).values()) {
    try {
      process.kill(pid, 'SIGKILL');
      killed.set(pid, start);
      again.push(pid);
    } catch {
      // It has ended meanwhile, or is another user's.
    }
  }
  return again;
}

function letGoOfLock(): void {
  try {
    closeSync(LOCK_FD);
  } catch {
    // The run has no lock.
  }
}

/** Blocks until there is something to read: this process has nothing else to do. */
function* linesOf(fd: number): Generator<string> {
  const chunk = Buffer.alloc(1024);
  let rest = '';
  for (;;) {
    const read = readSync(fd, chunk);
    if (read === 0) return;
    const lines = (rest + chunk.toString('latin1', 0, read)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
