// What a cluster shows of one slot: the CronJob, its Job for the slot, that one's pods, and the events of each.
import type { Cluster } from './in-cluster.ts';
import type { CronJob, Event, Job, List, Pod } from './objects.ts';

/** What to look for. */
export interface Sought {
  /** Undefined where nobody knows: then the CronJobs of the namespace are looked through. */
  readonly cronJob?: string | undefined;
  readonly namespace?: string | undefined;
  /** By what a CronJob is known that nobody has told of: what its runs go by, and their job. */
  readonly name: string;
  readonly job: string;
  readonly slot?: Date | undefined;
  /** Jobs that the records name. */
  readonly jobs: readonly string[];
}

/** Something that a controller or a node has told of an object. */
export interface SeenEvent {
  readonly of: 'CronJob' | 'Job' | 'Pod';
  readonly name: string;
  readonly at: Date;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly warning: boolean;
}

/** What was seen. */
export interface ClusterView {
  readonly via: string;
  readonly namespace: string;
  readonly cronJobName?: string;
  /** Absent where there is none, although its name is known. */
  readonly cronJob?: CronJob;
  /** The oldest first, as all of these. */
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
  readonly events: readonly SeenEvent[];
  /** What could not be seen, each with its reason. */
  readonly unseen: readonly string[];
}

/**
 * Looks.
 * @throws {UnavailableError} the cluster can't be reached, or shows us nothing
 */
export async function lookAt(cluster: Cluster, sought: Sought): Promise<ClusterView> {
  const namespace = sought.namespace ?? (await cluster.namespace());
  const reader = new Reader(cluster, namespace);
  const cronJob =
    sought.cronJob === undefined
      ? await reader.find(sought)
      : ((await reader.first('batch/v1', 'cronjobs', sought.cronJob)) as CronJob | undefined);
  const cronJobName = sought.cronJob ?? cronJob?.metadata?.name;
  const jobNames = new Set([
    // As the controller names them: `getJobName` in kubernetes/pkg/controller/cronjob/cronjob_controllerv2.go.
    ...(cronJobName && sought.slot ? [`${cronJobName}-${Math.floor(sought.slot.getTime() / 60_000)}`] : []),
    ...sought.jobs,
  ]);
  if (cronJobName) await reader.events('CronJob', cronJobName);
  const jobs: Job[] = [];
  const pods: Pod[] = [];
  for (const name of jobNames) {
    const job = await reader.one<Job>('batch/v1', 'jobs', name);
    if (job) jobs.push(job);
    await reader.events('Job', name);
    pods.push(
      ...(await reader.list<Pod>('v1', `pods?labelSelector=${encodeURIComponent(`job-name=${name}`)}`, 'pods')),
    );
  }
  pods.sort((a, b) => createdAt(a) - createdAt(b));
  for (const { metadata } of pods) if (metadata?.name) await reader.events('Pod', metadata.name);
  return {
    via: cluster.via,
    namespace,
    ...(cronJobName && { cronJobName }),
    ...(cronJob && { cronJob }),
    jobs: jobs.sort((a, b) => createdAt(a) - createdAt(b)),
    pods,
    events: reader.seen.sort((a, b) => a.at.getTime() - b.at.getTime()),
    unseen: [...reader.unseen],
  };
}

const createdAt = ({ metadata }: Job | Pod): number => Date.parse(metadata?.creationTimestamp ?? '') || 0;

class Reader {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly seen: SeenEvent[] = [];
  readonly unseen = new Set<string>();

  constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  /** The one that tells whether the cluster can be seen at all. */
  first(api: 'batch/v1', kind: string, name: string): Promise<unknown> {
    return this.#cluster.get(this.#path(api, `${kind}/${encodeURIComponent(name)}`));
  }

  /** The CronJob whose command line names the job, or what its runs go by. */
  async find({ name, job }: Sought): Promise<CronJob | undefined> {
    const list = (await this.#cluster.get(this.#path('batch/v1', 'cronjobs'))) as List<CronJob> | undefined;
    const runs = ({ spec }: CronJob) => {
      const args = spec?.jobTemplate?.spec?.template?.spec?.containers?.flatMap(({ args: own = [] }) => own) ?? [];
      if (args.includes(`--as=${name}`)) return true;
      const own = args[0] === 'exec' ? args[1] : args[0]?.replaceAll('-', '_');
      return own === job && name === job && !args.some((arg) => arg.startsWith('--as'));
    };
    return list?.items?.find(runs);
  }

  async one<T>(api: 'batch/v1' | 'v1', kind: string, name: string): Promise<T | undefined> {
    return (await this.#try(this.#path(api, `${kind}/${encodeURIComponent(name)}`), kind)) as T | undefined;
  }

  async list<T>(api: 'batch/v1' | 'v1', path: string, kind: string): Promise<readonly T[]> {
    return ((await this.#try(this.#path(api, path), kind)) as List<T> | undefined)?.items ?? [];
  }

  async events(of: SeenEvent['of'], name: string): Promise<void> {
    const selector = encodeURIComponent(`involvedObject.kind=${of},involvedObject.name=${name}`);
    const found = await this.list<Event>('v1', `events?fieldSelector=${selector}`, 'events');
    for (const event of found) {
      const time =
        event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata?.creationTimestamp;
      const at = new Date(time ?? Number.NaN);
      if (Number.isNaN(at.getTime())) continue;
      const { reason = '', message = '', type } = event;
      const count = event.series?.count ?? event.count ?? 1;
      this.seen.push({ of, name, at, reason, message: oneLine(message), count, warning: type === 'Warning' });
    }
  }

  #path(api: 'batch/v1' | 'v1', path: string): string {
    return `/${api === 'v1' ? 'api' : 'apis'}/${api}/namespaces/${encodeURIComponent(this.#namespace)}/${path}`;
  }

  /** Whoever may see one kind of object needn't be allowed to see another. */
  async #try(path: string, kind: string): Promise<unknown> {
    try {
      return await this.#cluster.get(path);
    } catch (error) {
      this.unseen.add(`${kind}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
