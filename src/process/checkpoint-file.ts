// The runner's Checkpoints in a file on a volume, for jobs without a database: one slot at a time, written atomically.
//
// Nobody holds a lock here: of two runs at once the one that asked last saves, and the next save of the other stops it. A CronJob with
// concurrencyPolicy Forbid keeps them apart.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError, UnavailableError } from '../errors.ts';
import type { CheckpointOwner, Checkpoints, DoneStep, SlotProgress } from '../runner/ports.ts';

/** Changes with the shape below. */
const VERSION = 1;

interface Content {
  readonly version: typeof VERSION;
  readonly name: string;
  readonly scheduledAt: string;
  readonly shard: { readonly index: number; readonly count: number };
  readonly paramsDigest: string;
  readonly jobUid?: string;
  readonly runId: string;
  readonly savedAt: string;
  readonly value?: unknown;
  readonly steps: readonly DoneStep[];
}

const NOTHING: SlotProgress = { value: undefined, steps: [] };

/** What the disk may have more room for, or answer, a moment later. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EIO', 'EBUSY', 'ESTALE', 'ETIMEDOUT'];

/** Keeps checkpoints in this file; each shard has one of its own, named after its index. */
export function openCheckpointFile(file: string, now: () => Date = () => new Date()): Checkpoints {
  const pathOf = ({ slot: { shard } }: CheckpointOwner) => (shard.count > 1 ? `${file}.${shard.index}` : file);
  const read = (owner: CheckpointOwner): SlotProgress => {
    const content = readContent(pathOf(owner));
    if (!content || !isOf(content, owner)) return NOTHING;
    return { value: content.value === undefined ? undefined : JSON.stringify(content.value), steps: content.steps };
  };
  const write = (owner: CheckpointOwner, { value, steps }: SlotProgress): void => {
    const { slot, runId, jobUid } = owner;
    replace(pathOf(owner), {
      version: VERSION,
      ...slot,
      scheduledAt: slot.scheduledAt.toISOString(),
      ...(jobUid !== undefined && { jobUid }),
      runId,
      savedAt: now().toISOString(),
      ...(value !== undefined && { value: JSON.parse(value) }),
      steps,
    });
  };
  const isLatest = (owner: CheckpointOwner) => readContent(pathOf(owner))?.runId === owner.runId;
  return {
    async claim(owner, restart) {
      const path = pathOf(owner);
      const content = readContent(path);
      if (content && content.name !== owner.slot.name) {
        throw new ConfigError(
          `${path} (WORKER_CHECKPOINT_FILE) keeps what ${content.name} has saved: name another file for ${owner.slot.name}, or delete it`,
        );
      }
      const current = restart && !isOfSameJob(content, owner) ? NOTHING : read(owner);
      // Already now, so that a folder that can't be written to is seen before there is something to lose.
      write(owner, current);
      // What that run was writing when it was killed.
      if (content && content.runId !== owner.runId) rmSync(unfinished(path, content.runId), { force: true });
      return current;
    },
    async save(owner, change) {
      if (!isLatest(owner)) return false;
      write(owner, { ...read(owner), ...change });
      return true;
    },
    read: async (owner) => read(owner),
    async forget(owner) {
      if (isLatest(owner)) rmSync(pathOf(owner), { force: true });
    },
  };
}

/** Of the same slot; the pods of a Job that no CronJob made have only its uid in common. */
function isOf(content: Content, { slot, jobUid }: CheckpointOwner): boolean {
  return (
    content.name === slot.name &&
    content.paramsDigest === slot.paramsDigest &&
    content.shard.index === slot.shard.index &&
    content.shard.count === slot.shard.count &&
    (content.scheduledAt === slot.scheduledAt.toISOString() || (jobUid !== undefined && content.jobUid === jobUid))
  );
}

const isOfSameJob = (content: Content | undefined, { jobUid }: CheckpointOwner): boolean =>
  jobUid !== undefined && content?.jobUid === jobUid;

function readContent(path: string): Content | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw explain(path, 'read', error);
  }
  try {
    const content: unknown = JSON.parse(text);
    if (isContent(content)) return content;
  } catch {
    // Told below.
  }
  throw new ConfigError(
    `${path} (WORKER_CHECKPOINT_FILE) is no checkpoint of this version of run-job: name another file, or delete it`,
  );
}

function isContent(value: unknown): value is Content {
  const { version, name, scheduledAt, shard, paramsDigest, runId, steps } = (value ?? {}) as Partial<Content>;
  return (
    version === VERSION &&
    [name, scheduledAt, paramsDigest, runId].every((text) => typeof text === 'string') &&
    typeof shard === 'object' &&
    Array.isArray(steps)
  );
}

/** Each run writes to one of its own, so that two at once can't mix. */
const unfinished = (path: string, runId: string): string => `${path}.${runId}.next`;

/** All of it, or what was there before. */
function replace(path: string, content: Content): void {
  const next = unfinished(path, content.runId);
  try {
    const file = openSync(next, 'w', 0o600);
    try {
      writeFileSync(file, JSON.stringify(content));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(next, { force: true });
    throw explain(path, 'write', error);
  }
}

/** So that the new name survives a crash of the machine. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } catch (error) {
    // Some file systems of networks know no such thing for folders.
    if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(handle);
  }
}

function explain(path: string, what: 'read' | 'write', cause: unknown): Error {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const message = `WORKER_CHECKPOINT_FILE names ${path}, which can't be ${what === 'read' ? 'read' : 'written'} (${code})`;
  if (PASSING.includes(code)) return new UnavailableError(message, { cause });
  return new ConfigError(
    `${message}: name a file in a folder that is there, on a volume, and that this user may write to`,
    { cause },
  );
}
