// A network of two hosts, one of them this one, that can be cut so that nobody is told: network namespaces of Linux.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** The other host. */
export interface Network extends AsyncDisposable {
  /** This host, as the other one reaches it. */
  readonly here: string;
  /** What a program has to be started through to be there. */
  readonly there: readonly string[];
  /** From now on what either sends is lost. */
  cut(): void;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Whether this machine lets us make one: it takes root on Linux, and iproute2. */
export function canMakeNetwork(): boolean {
  const name = `run-job-probe-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch {
    return false;
  }
}

/** Makes the other host, and the cable to it. */
export function makeNetwork(): Network {
  const id = `rj${randomInt(0x1000, 0x10000).toString(16)}`;
  const [near, far] = [`${id}a`, `${id}b`];
  const net = `10.${randomInt(64, 128)}.${randomInt(256)}`;
  const [here, there] = [`${net}.1`, `${net}.2`];
  const inside = ['netns', 'exec', id];
  ip('netns', 'add', id);
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', id);
  ip('addr', 'add', `${here}/24`, 'dev', near);
  ip('link', 'set', near, 'up');
  ip(...inside, 'ip', 'addr', 'add', `${there}/24`, 'dev', far);
  ip(...inside, 'ip', 'link', 'set', far, 'up');
  ip(...inside, 'ip', 'link', 'set', 'lo', 'up');
  return {
    here,
    there: ['ip', ...inside],
    cut() {
      // To a card that nobody has: unlike a cable that is pulled, neither side's kernel hears of it.
      const nobody = ['lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev'];
      ip('neigh', 'replace', there, ...nobody, near);
      ip(...inside, 'ip', 'neigh', 'replace', here, ...nobody, far);
    },
    async [Symbol.asyncDispose]() {
      ip('netns', 'del', id);
    },
  };
}
