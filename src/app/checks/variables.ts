// Variables that somebody has mistyped: nothing reads them, so that a run would go on without what they say.
import { ENVIRONMENT } from '../environment.ts';
import { nearest } from '../suggest.ts';
import type { Finding } from './check.ts';

/** How ours begin; a name of others may be near one of ours by chance. */
const OURS = /^(?:RUN_JOB|WORKER|DATABASE|AMQP|LOG)_/;

/** Beyond so many edits it is another word. */
const MOST_EDITS = 2;

/** Names that are nearly one of ours, which isn't set. */
export function checkVariables(env: Readonly<Record<string, string | undefined>>): Finding[] {
  const unset = Object.keys(ENVIRONMENT).filter((name) => !env[name]);
  return Object.keys(env)
    .filter((name) => OURS.test(name) && !Object.hasOwn(ENVIRONMENT, name))
    .flatMap((name): Finding[] => {
      const meant = nearest(name, unset, MOST_EDITS);
      if (meant === undefined) return [];
      return [{ check: 'config', verdict: 'warning', message: `nothing reads ${name}; did you mean ${meant}?` }];
    });
}
