// What holds where a schedule doesn't say otherwise.

/** How long after its slot a run may begin without being late: the usual wait for the lock, and a pod's start. */
export const DEFAULT_LATE_AFTER = '15m';

/** How many missed slots one run catches up with. */
export const DEFAULT_CATCH_UP_LIMIT = 10;
