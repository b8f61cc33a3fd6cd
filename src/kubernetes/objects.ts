// As much of Kubernetes' objects as explains why something didn't run (https://kubernetes.io/docs/reference/kubernetes-api/). The API server
// leaves out whatever is empty.

export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** RFC 3339, as all times are. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

export interface CronJob {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly schedule?: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: string;
    readonly startingDeadlineSeconds?: number;
    readonly jobTemplate?: { readonly spec?: { readonly template?: { readonly spec?: PodSpec } } };
  };
  readonly status?: {
    readonly active?: readonly { readonly name?: string }[];
    readonly lastScheduleTime?: string;
    readonly lastSuccessfulTime?: string;
  };
}

export interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Job {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly suspend?: boolean;
    readonly backoffLimit?: number;
    readonly activeDeadlineSeconds?: number;
  };
  readonly status?: {
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly active?: number;
    readonly failed?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly containers?: readonly {
    readonly name?: string;
    readonly image?: string;
    readonly args?: readonly string[];
    readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
  }[];
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly exitCode?: number;
    readonly reason?: string;
    /** What the container left in its termination log. */
    readonly message?: string;
    readonly finishedAt?: string;
  };
}

export interface ContainerStatus {
  readonly name?: string;
  readonly image?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface Pod {
  readonly metadata?: Metadata;
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    /** Such as Evicted. */
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** An event of core/v1; those of newer reporters have eventTime and series in place of the timestamps. */
export interface Event {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly metadata?: Metadata;
}

export interface List<T> {
  readonly items?: readonly T[];
}
