// The guardian for an image without a shell, as a program of Node's: kills what is left when the pipe to us closes.
import { closeSync, readSync } from 'node:fs';
import { livingProcesses, startedWithPrefix } from './proc.ts';

const ROUNDS = 50;
/** As guardian.ts numbers it. */
const LOCK_FD = 5;

const [marker = ''] = process.argv.slice(2);
const leaders = new Set<number>();
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
for (let round = 0; count > 0 && round < ROUNDS && killMembers(); round += 1);

function killMembers(): boolean {
  const members = livingProcesses().filter(
    ({ pid, group, session }) => leaders.has(group) || leaders.has(session) || startedWithPrefix(pid, marker),
  );
  for (const { pid } of members) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  return members.length > 0;
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
