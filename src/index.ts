// The library's face: what a job's author imports.

export type { ErrorCode } from './errors.ts';
export {
  ConfigError,
  ExecError,
  PermanentError,
  RetryableError,
  RunJobError,
  UnavailableError,
  UsageError,
} from './errors.ts';
export type {
  Attributes,
  BaseContext,
  CommandDefinition,
  CommandLine,
  Context,
  Duration,
  ExecOptions,
  ExecResult,
  ExitMeaning,
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
export { defineCommand, defineJob } from './job.ts';
