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
 * Sends one batch of what is due.
 * @throws {UnavailableError | ConfigError} the database can't be asked
 */
export async function sendDue(options: NotifyOptions): Promise<Notified> {
  const problems = new Set<string>();
  const targets = targetsOf(options.config, problems);
  const due = targets.length === 0 ? [] : await takeDue(options.queries, BATCH);
  // By the database's clock, since a host's may be wrong: receivers refuse what isn't of now.
  const aheadMs = due[0] === undefined ? 0 : due[0].now.getTime() - Date.now();
  const broker = new Broker(options);
  let sent = 0;
  try {
    for (const one of due) {
      if (options.signal.aborted) break;
      const missing = targets.filter(({ digest }) => !one.sentTo.includes(digest));
      const reached = await Promise.all(
        missing.map(async (target) => {
          const problem = await sendTo(target, notificationOf(one, options.config), options, { broker, aheadMs });
          if (problem !== undefined) problems.add(`notifying ${target.label} failed (${problem}); it is tried again`);
          return problem === undefined ? [target.digest] : [];
        }),
      );
      const all = reached.flat();
      // Whoever is named in a way that can't be used hasn't got it either.
      const done = all.length === missing.length && targets.length === options.config.notify.targets.length;
      if (done) sent += 1;
      if (all.length > 0 || done) await settleSent(options.queries, one.key, all, done);
    }
  } finally {
    await broker.close();
  }
  return { sent, unsent: due.length - sent, problems: [...problems] };
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
