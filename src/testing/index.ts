// `run-job/testing`: runs a job inside a test, and returns how it ended.
export { createTestClock, type TestClock } from './clock.ts';
export type { Fake, LogEntry, PlainResult, RunJobOptions, RunJobOutcome } from './options.ts';
export { runJob } from './run-in-test.ts';
