// The id that all runs of one Job check in by.

/** The namespace of our ids, itself a random UUID. */
const NAMESPACE = 'c9f0ad3c-1a55-4c7e-9d0e-5b2f8f3a7d61';

/** A UUIDv5 (RFC 9562, section 5.5) of these parts, in the canonical form. */
export function checkInIdOf(parts: readonly (string | number)[]): string {
  const { hash } = process.getBuiltinModule('node:crypto');
  const name = Buffer.concat([Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex'), Buffer.from(JSON.stringify(parts))]);
  const bytes = hash('sha1', name, 'buffer').subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What makes up the id: the Job of Kubernetes, else the run alone, since nothing starts that again. */
export interface CheckInIdentity {
  readonly name: string;
  readonly scheduledAt: Date;
  /** Into how many parts the work is cut: they check in as one. */
  readonly shards: number;
  readonly jobUid: string | undefined;
  readonly runId: string;
}

export function identify({ name, scheduledAt, shards, jobUid, runId }: CheckInIdentity): string {
  const job = jobUid === undefined ? ['run', runId] : ['job', jobUid];
  return checkInIdOf([name, scheduledAt.toISOString(), shards, ...job]);
}
