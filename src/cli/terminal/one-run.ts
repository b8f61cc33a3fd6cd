// The run that a person means by a part of its id.
import { UsageError } from '../../errors.ts';
import type { RunRecord } from '../../postgres/records.ts';

/** @throws {UsageError} no id looks like this */
export function checkRunId(id: string): void {
  if (/^[0-9a-f-]{4,36}$/i.test(id)) return;
  throw new UsageError('the id of a run has hexadecimal digits and dashes; name at least four of its first or last');
}

/** @throws {UsageError} there is none, or more than one */
export function theOne(found: readonly RunRecord[], id: string): RunRecord {
  const [run] = found;
  if (run === undefined) {
    throw new UsageError(`no recorded run has an id that begins or ends with ${id}; run-job history lists them`);
  }
  if (found.length > 1) {
    throw new UsageError(`several runs have such an id; name more of it: ${found.map((other) => other.id).join(', ')}`);
  }
  return run;
}
