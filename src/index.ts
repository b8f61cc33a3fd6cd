// The library's face: what a job's author imports.

export type { ErrorCode } from './errors.ts';
export { ConfigError, PermanentError, RetryableError, RunJobError, UnavailableError, UsageError } from './errors.ts';
export type {
  Attributes,
  BaseContext,
  Context,
  Duration,
  Fields,
  Job,
  JobDefinition,
  Logger,
  Need,
  OutgoingMessage,
  ParamsOf,
  ParamsSchema,
  PostgresFailure,
  PostgresPool,
  PreviousRun,
  RabbitMq,
  Resources,
  RetryPolicy,
  Shard,
  Span,
  SpanKind,
  SpanOptions,
  Transaction,
  TransactionOptions,
} from './job.ts';
export { defineJob } from './job.ts';
