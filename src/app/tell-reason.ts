// Why a run was skipped or a slot missed, in words.

const REASONS: ReadonlyMap<string, string> = new Map([
  ['previous_running', 'the run before was still under way'],
  ['unknown', 'nobody knows why'],
  ['paused', 'the name was paused'],
  ['slot_succeeded', 'had succeeded already'],
]);

/** Of a reason as it is recorded; undefined where there is none. */
export const tellReason = (reason: string | undefined): string | undefined =>
  reason === undefined ? undefined : (REASONS.get(reason) ?? reason.replaceAll('_', ' '));
