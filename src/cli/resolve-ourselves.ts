// Lets a job outside any project import what it is written with: `run-job` and `valibot` come from this installation where the
// job's own folder has neither. In our image there is no node_modules at all.
import { registerHooks } from 'node:module';

const OURS: Readonly<Record<string, string>> = { 'run-job': 'index.js', valibot: 'valibot.js' };

let registered = false;

/** From now on, the two resolve to the files in `home` when nothing nearer to the importing file provides them. */
export function resolveOurselves(home: URL): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const ours = OURS[specifier];
      if (ours === undefined) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return { url: new URL(ours, home).href, shortCircuit: true };
      }
    },
  });
}
