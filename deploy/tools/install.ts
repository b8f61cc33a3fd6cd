// Gets the programs that the checks of the chart and the image run: `npm run tools`. What can't be had is said, once, and its
// checks are skipped.
import { existsSync } from 'node:fs';
import { run, which } from './command.ts';
import { fetchClients } from './helm.ts';

/** Programs of Debian's packages, and what goes unchecked without them. */
const PROGRAMS = [
  { program: 'promtool', package: 'prometheus', checks: 'the alert rules' },
  { program: 'shellcheck', package: 'shellcheck', checks: 'the shell scripts' },
  { program: 'buildah', package: 'buildah', checks: 'the image' },
  { program: 'runc', package: 'runc', checks: 'the image' },
  { program: 'tini-static', package: 'tini', checks: 'the image' },
] as const;

function aptInstall(packages: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync('/etc/debian_version') || !which('apt-get')) return 'not Debian';
  const lock = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run('apt-get', [...lock, 'install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  if (install().code === 0) return undefined;
  run('apt-get', [...lock, 'update', '-q'], { env });
  const second = install();
  return second.code === 0 ? undefined : `apt-get said: ${second.stderr.trim().split('\n').at(-1)}`;
}

console.log(fetchClients());
const missing = PROGRAMS.filter(({ program }) => !which(program));
const reason = missing.length > 0 ? aptInstall([...new Set(missing.map((item) => item.package))]) : undefined;
for (const { program, package: name, checks } of missing) {
  if (!which(program)) console.log(`NOT CHECKED here: ${checks}. ${program} is missing (Debian's ${name}; ${reason})`);
}
