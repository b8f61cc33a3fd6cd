// Lets a job outside any project import what it is written with; in our image there is no node_modules at all.
import { registerHooks } from 'node:module';

let registered = false;

/**
 * From now on `run-job` is the installation in `home`, whoever asks: the runner that runs a job is the one that it talks to.
 * `valibot` is the copy in `home` where the job's own project has none.
 */
export function resolveOurselves(home: URL): void {
  if (registered) return;
  registered = true;
  const ours = (file: string) => ({ url: new URL(file, home).href, shortCircuit: true });
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'run-job') return ours('index.js');
      if (specifier !== 'valibot') return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return ours('valibot.js');
      }
    },
  });
}
