// Gets the programs that the checks of the chart, the image and the jobs run: `npm run tools`. What can't be had is said, once, and its
// checks are skipped.
import { DEBIAN_POSTGRES } from '../../test/support/debian-postgres.ts';
import { canInstall, findProgram, installPackage } from '../../test/support/install.ts';
import { fetchClients } from './helm.ts';

/** Programs of Debian's packages, and what goes unchecked without them. */
const PROGRAMS = [
  { program: 'promtool', package: 'prometheus', checks: 'the alert rules' },
  { program: 'shellcheck', package: 'shellcheck', checks: 'the shell scripts' },
  { program: 'buildah', package: 'buildah', checks: 'the image' },
  { program: 'runc', package: 'runc', checks: 'the image' },
  { program: 'chromium', package: 'chromium', checks: 'the console in a browser' },
  { program: 'tini-static', package: 'tini', checks: 'the image' },
  { program: 'busybox', package: 'busybox', checks: 'killed runs in images whose shell is busybox' },
  { program: 'zsh', package: 'zsh', checks: 'completion in zsh' },
  { program: 'fish', package: 'fish', checks: 'completion in fish' },
  {
    program: DEBIAN_POSTGRES.program,
    package: DEBIAN_POSTGRES.package,
    checks: 'jobs on a PostgreSQL with a JIT compiler',
  },
] as const;

console.log(fetchClients());
for (const { program, package: name, checks } of PROGRAMS) {
  if (findProgram(program)) continue;
  let reason = 'only root on Debian can install it without asking';
  if (canInstall()) {
    reason = await installPackage(name).then(
      () => 'it holds no such program',
      (error: Error) => error.message,
    );
  }
  console.log(
    findProgram(program)
      ? `${program}: installed`
      : `NOT CHECKED here: ${checks}. ${program} is missing (Debian's ${name}): ${reason}`,
  );
}
