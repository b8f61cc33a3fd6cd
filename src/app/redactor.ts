// The redactor of a process: it knows the secrets of the environment and of the files that this names.
import { readSecretFile } from '../process/secret-files.ts';
import { createRedactor, type Redactor, secretsOf } from '../runner/redact.ts';

/** A redactor for all that is told of, or by, a process with this environment. */
export function redactorFor(env: Readonly<Record<string, string | undefined>>): Redactor {
  return createRedactor(secretsOf(env, readSecretFile));
}
