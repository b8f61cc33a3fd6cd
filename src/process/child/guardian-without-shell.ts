// The guardian for an image without a shell, as a program of Node's: kills what is left when the pipe to us closes.
import { closeSync, readSync } from 'node:fs';
import { living, livingProcesses, newestPid, type ProcessStat, processesBetween, startedWithPrefix } from './proc.ts';

const ROUNDS = 300;
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
if (count > 0) killMembers();

/** As the script for a shell does, and for the same reasons. */
function killMembers(): void {
  let newest = newestPid();
  let looked = livingProcesses();
  for (let round = 0; looked.length > 0 && round < ROUNDS; round += 1) {
    const again = looked.filter(isToBeLookedAtAgain).map(({ pid }) => pid);
    const before = newest;
    newest = newestPid();
    looked = newest < before ? livingProcesses() : [...living(again), ...processesBetween(before + 1, newest)];
  }
}

/** Kills it when it is a member. Returns whether it was, or can't be told yet. */
function isToBeLookedAtAgain({ pid, group, session }: ProcessStat): boolean {
  if (!leaders.has(group) && !leaders.has(session)) {
    const started = startedWithPrefix(pid, marker);
    if (started !== 'yes') return started === 'not yet';
  }
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    // It has ended meanwhile, or is another user's.
    return false;
  }
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
