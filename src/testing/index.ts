// `run-job/testing`: runs a job inside a test, and returns how it ended.
export { createTestClock, type TestClock } from './clock.ts';
export type { InterruptedOptions, Interruptions } from './interrupted.ts';
export type { Fake, LogEntry, PlainResult, RunJobOptions, RunJobOutcome, Saved } from './options.ts';
export { type RunJob, runJob } from './run-job.ts';
