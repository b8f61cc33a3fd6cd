// Sends the notifications that are due: a run at its end, `run-job notify`, or whoever else looks.
import { send } from '../http/send.ts';
import type { Logger, RabbitMq } from '../job.ts';
import { CLOUD_EVENT, cloudEvent } from '../notifications/cloud-event.ts';
import { idOf, type Notification } from '../notifications/notification.ts';
import { type BrokerTarget, type Target, targetOf } from '../notifications/targets.ts';
import { type DueNotification, settleSent, takeDue } from '../postgres/notifications.ts';
import type { Queries } from '../postgres/queries.ts';
import { explainNetworkError } from '../telemetry/network-error.ts';
import { rootCause } from './alert-text.ts';
import { NO_ANSWER } from './check-in-queue.ts';
import type { Config } from './config.ts';

/** Where the events of runs are published; queues bind to it by `run_job.<kind>.<name>`. */
const EXCHANGE = 'run_job.events';

/** How many are taken at once. */
const BATCH = 20;

/** How long sending one to one target may take, in milliseconds. */
const LONGEST_MS = 10_000;

/** What sending takes. */
export interface NotifyOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly queries: Queries;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What became of them. */
export interface Notified {
  /** How many have reached everybody. */
  readonly sent: number;
  /** How many haven't yet: they are tried again for a day. */
  readonly unsent: number;
  /** What went wrong, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * Sends one batch of what is due, to each target by itself: one that hangs keeps nothing from the others.
 * @param silent those that gave no answer in time are left out from then on, and added to it
 * @throws {UnavailableError | ConfigError} the database can't be asked
 */
export async function sendDue(options: NotifyOptions, silent = new Set<string>()): Promise<Notified> {
  const problems = new Set<string>();
  const targets = targetsOf(options.config, problems);
  const due = targets.every(({ digest }) => silent.has(digest)) ? [] : await takeDue(options.queries, BATCH);
  // By the database's clock, since a host's may be wrong: receivers refuse what isn't of now.
  const aheadMs = due[0] === undefined ? 0 : due[0].now.getTime() - Date.now();
  const broker = new Broker(options);
  // Whoever is named in a way that can't be used hasn't got it either.
  const outbox = new Outbox(options.queries, due, targets, options.config.notify.targets.length);
  const sendAllTo = async (target: Target): Promise<void> => {
    for (const one of outbox.missing(target)) {
      if (options.signal.aborted || silent.has(target.digest)) return;
      const limit = AbortSignal.any([options.signal, AbortSignal.timeout(LONGEST_MS)]);
      const notification = notificationOf(one, options.config);
      const problem = await sendTo(target, notification, { ...options, signal: limit }, { broker, aheadMs });
      if (problem === undefined) await outbox.settle(one, target);
      else problems.add(`notifying ${target.label} failed (${problem}); it is tried again`);
      if (problem === NO_ANSWER) silent.add(target.digest);
    }
  };
  try {
    await outbox.settleOld();
    for (const ended of await Promise.allSettled(targets.map(sendAllTo)))
      if (ended.status === 'rejected') throw ended.reason;
  } finally {
    await broker.close();
  }
  return { sent: outbox.done, unsent: due.length - outbox.done, problems: [...problems] };
}

/** What was taken, and who hasn't got it yet. */
class Outbox {
  readonly #queries: Queries;
  readonly #left: Map<DueNotification, Set<string>>;
  readonly #isComplete: boolean;
  /** One statement at a time: they share a connection. */
  #writing: Promise<void> = Promise.resolve();
  /** How many have reached everybody. */
  done = 0;

  constructor(queries: Queries, due: readonly DueNotification[], targets: readonly Target[], configured: number) {
    this.#queries = queries;
    this.#isComplete = targets.length === configured;
    const missing = ({ sentTo }: DueNotification) =>
      new Set(targets.map(({ digest }) => digest).filter((digest) => !sentTo.includes(digest)));
    this.#left = new Map(due.map((one) => [one, missing(one)]));
  }

  missing({ digest }: Target): DueNotification[] {
    return [...this.#left].filter(([, left]) => left.has(digest)).map(([one]) => one);
  }

  /** Those that everybody has who is still named. */
  async settleOld(): Promise<void> {
    for (const [one, left] of this.#left) if (left.size === 0) await this.#write(one, []);
  }

  async settle(one: DueNotification, { digest }: Target): Promise<void> {
    this.#left.get(one)?.delete(digest);
    await this.#write(one, [digest]);
  }

  #write(one: DueNotification, reached: readonly string[]): Promise<void> {
    const done = this.#isComplete && this.#left.get(one)?.size === 0;
    const written = this.#writing.then(async () => {
      if (done) this.done += 1;
      if (done || reached.length > 0) await settleSent(this.#queries, one.key, reached, done);
    });
    this.#writing = written.catch(() => {});
    return written;
  }
}

function targetsOf({ notify, amqp }: Config, problems: Set<string>): Target[] {
  return notify.targets.flatMap((given) => {
    try {
      return [targetOf(given, { secret: notify.secret, brokers: amqp.urls })];
    } catch (error) {
      problems.add((error as Error).message);
      return [];
    }
  });
}

/** What went wrong, if anything did. */
async function sendTo(
  target: Target,
  notification: Notification,
  { signal, env }: NotifyOptions,
  { broker, aheadMs }: { readonly broker: Broker; readonly aheadMs: number },
): Promise<string | undefined> {
  try {
    if (target.via === 'rabbitmq') {
      await broker.publish(target, notification);
      return undefined;
    }
    const { status } = await send(target.request(notification, new Date(Date.now() + aheadMs)), { signal, env });
    return target.problem(status);
  } catch (error) {
    if (signal.aborted) return NO_ANSWER;
    return target.via === 'rabbitmq' ? (error as Error).message : explainNetworkError(error as Error);
  }
}

/** RabbitMQ, which is loaded and connected when the first is to be published. */
class Broker {
  readonly #options: NotifyOptions;
  readonly #open = new Map<string, Promise<RabbitMq & { close(): Promise<void> }>>();

  constructor(options: NotifyOptions) {
    this.#options = options;
  }

  async publish(target: BrokerTarget, notification: Notification): Promise<void> {
    const { signal } = this.#options;
    const opened = this.#open.get(target.digest) ?? this.#connect(target);
    this.#open.set(target.digest, opened);
    const { kind, name, id, at } = notification;
    const message = {
      routingKey: `run_job.${kind}.${name}`,
      body: Buffer.from(cloudEvent(notification)),
      messageId: id,
      contentType: CLOUD_EVENT,
      type: `run_job.${kind}`,
      timestamp: at,
      // Whether anybody listens is their affair.
      mandatory: false,
    };
    await (await orTimeUp(opened, signal)).publish(message, { signal });
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (opened) => (await opened).close()));
  }

  async #connect({ urls }: BrokerTarget): Promise<RabbitMq & { close(): Promise<void> }> {
    const { openRabbitMq } = await import('../rabbitmq/rabbitmq.ts');
    const { config, log } = this.#options;
    const { urls: _, exchange: __, ...tls } = config.amqp;
    const { connectTimeoutMs } = config;
    return openRabbitMq({ urls, exchange: EXCHANGE, tls, connectTimeoutMs, clientName: 'run-job notify', log });
  }
}

function orTimeUp<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: timeUp, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, timeUp]).finally(() => signal.removeEventListener('abort', onAbort));
}

function notificationOf(due: DueNotification, { environment, notify }: Config): Notification {
  const { details, error, runId, name, pod, pods } = due;
  const known = <T>(value: T | null | undefined): T | undefined => value ?? undefined;
  const link = notify.consoleUrl?.replace(/\/$/, '');
  return {
    id: idOf(due.key, known(runId), environment),
    kind: due.kind,
    name,
    job: known(due.job),
    environment,
    namespace: known(due.namespace),
    at: due.createdAt,
    scheduledAt: known(due.scheduledAt),
    runId: known(runId),
    status: known(due.status),
    exitCode: known(due.exitCode),
    attempts: known(due.attempts),
    pod: pod !== null && pods !== null ? { number: pod, of: pods } : undefined,
    failures: details.failures,
    since: details.since ? new Date(details.since) : undefined,
    reason: details.reason,
    error: error === null || due.kind === 'recovered' ? undefined : rootCause(error).message,
    owner: known(due.owner),
    runbook: known(due.runbook),
    traceId: known(due.traceId),
    link: link && `${link}/${runId === null ? `jobs/${encodeURIComponent(name)}` : `runs/${runId}`}`,
    command: runId === null ? `run-job status ${name}` : `run-job show ${runId}`,
  };
}
