// A notification as it is sent: what has changed, for people and for programs.

/** Plain data, without secrets. */
export interface Notification {
  /** The same for the same change, and no other's, so that a receiver knows what it has had. */
  readonly id: string;
  readonly kind: 'failed' | 'lost' | 'recovered' | 'missed' | 'overdue' | 'paused';
  readonly name: string;
  readonly job?: string | undefined;
  readonly environment?: string | undefined;
  readonly namespace?: string | undefined;
  readonly at: Date;
  readonly scheduledAt?: Date | undefined;
  readonly runId?: string | undefined;
  readonly status?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly attempts?: number | undefined;
  /** Which of the Job's pods, of how many. */
  readonly pod?: { readonly number: number; readonly of: number } | undefined;
  /** Jobs in a row that have failed. */
  readonly failures?: number | undefined;
  /** Of a recovery: since when it wasn't well. */
  readonly since?: Date | undefined;
  /** Why a slot was missed, or a name paused. */
  readonly reason?: string | undefined;
  /** In the root cause's words. */
  readonly error?: string | undefined;
  readonly owner?: string | undefined;
  readonly runbook?: string | undefined;
  readonly traceId?: string | undefined;
  readonly link?: string | undefined;
  /** What to type to look further. */
  readonly command: string;
}

/**
 * What receivers know a notification by. Keys of slots and pauses are one in each database only, of which a receiver may hear of several; and
 * a full stop would make what is signed ambiguous (Standard Webhooks, "Signature scheme"), while no name has a tilde.
 */
export function idOf(key: string, runId: string | undefined, environment: string | undefined): string {
  const whole = runId === undefined && environment !== undefined ? `${encodeURIComponent(environment)}:${key}` : key;
  return whole.replaceAll('.', '~');
}
