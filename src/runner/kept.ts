// What of a job's context keeps its progress: `checkpoint`, `step` and `continue`, whose code is loaded by the first call.
import { ConfigError, ContinueError, PermanentError, UnavailableError } from '../errors.ts';
import type { Checkpoint, CheckpointSchema, Context, Job, Logger, Need } from '../job.ts';
import type { AttemptsResult } from './attempts.ts';
import type { Checkpointing } from './checkpointing.ts';
import { limited, orAborted, StepTimeout } from './limited.ts';
import type { CheckpointOwner, ProgramCheckpoint } from './ports.ts';
import type { OpenResources } from './request.ts';
import type { RunState } from './state.ts';
import { asksToContinue } from './verdict.ts';

type Kept = Pick<Context<unknown, Need, CheckpointSchema>, 'checkpoint' | 'step' | 'continue'>;

/** How long it may take to see whether the checkpoint of a run that asks for a new pod has advanced. */
const ADVANCE_LIMIT_MS = 5_000;

/** The context's part for one attempt. */
export function keptFor(state: RunState, job: Job, { resources }: OpenResources): Kept {
  const { underWay } = state;
  const { stop, telemetry } = state.ports;
  state.checkpointing?.then(
    (kept) => kept.beginAttempt(),
    () => undefined,
  );
  const checkpoint: Checkpoint<unknown, unknown> = {
    load: () =>
      underWay.track(
        'the checkpoint was not loaded',
        checkpointing(state).then((open) => open.load()),
      ),
    save: (value, options) =>
      underWay.track(
        'the checkpoint was not saved',
        checkpointing(state).then((open) => open.save(value, options)),
      ),
  };
  const kept: Omit<Kept, 'checkpoint'> = {
    step: (name, work, options = {}) =>
      underWay.track(
        `step ${name} was not done`,
        telemetry.span(`step ${name}`, { attributes: { 'job.step': name } }, async () => {
          const setting = { postgres: resources.postgres, signal: stop.signal, options };
          return (await checkpointing(state)).step(name, work as never, setting) as never;
        }),
      ),
    continue: (result) => {
      throw new ContinueError(undefined, { result });
    },
  };
  return (job.checkpoint ? { ...kept, checkpoint } : kept) as Kept;
}

/** Saves what `every` has passed over, at the end of an attempt that didn't do all of the work. */
export async function saveRest({ checkpointing }: RunState): Promise<void> {
  if (checkpointing) await (await checkpointing).flush();
}

/**
 * The attempts, unless the job asks for a new pod although nothing has been saved since this run began: then its next pod would do no
 * better. Where the run was stopped meanwhile, that is what is told.
 */
export async function allowContinue(state: RunState, attempts: AttemptsResult): Promise<AttemptsResult> {
  if (attempts.ok || !asksToContinue(attempts)) return attempts;
  try {
    if (await hasAdvanced(state)) {
      tellWhoGoesOn(state);
      return attempts;
    }
  } catch (error) {
    return { ok: false, error };
  }
  const why = state.request.dryRun
    ? 'a dry run keeps no progress that one could go on from; raise the timeout'
    : 'has saved no progress since this one began: a new pod would get no further; save a checkpoint or do a step before, or raise the timeout';
  const error = new PermanentError(`the job asks for a new pod, but ${why}`, { cause: attempts.error });
  return { ok: false, error };
}

async function hasAdvanced({ checkpointing, ports, outOfTime }: RunState): Promise<boolean> {
  if (checkpointing === undefined) return false;
  const what = 'looking whether the checkpoint has advanced';
  const looking = checkpointing.then((kept) => kept.advanced());
  try {
    return await orAborted(limited(what, ADVANCE_LIMIT_MS, looking, { timers: ports.clock }), outOfTime.signal);
  } catch (cause) {
    if (!(cause instanceof StepTimeout)) throw cause;
    throw new UnavailableError(
      `the job asks for a new pod, but what keeps its checkpoint doesn't answer: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

/** A run that stands for no scheduled time is a slot of its own: nobody goes on from it by himself. */
function tellWhoGoesOn({ request, ports, scheduledAt }: RunState): void {
  if (request.scheduledBy !== 'start') return;
  const how = ports.database
    ? `run-job rerun ${request.runId}`
    : `run it again with --scheduled-at ${scheduledAt.toISOString()}`;
  ports.log.warn(`this run stands for no scheduled time, so that no other one goes on from it; to go on: ${how}`);
}

/** The slot and the run, for whoever keeps its progress. */
export function ownerOf({ slot, request, fence }: RunState): CheckpointOwner {
  const { jobUid } = request.place;
  return { slot, runId: request.runId, fence, ...(jobUid !== undefined && { jobUid }) };
}

/** What a command's program keeps from run to run; undefined where nothing can be kept. */
export async function programCheckpoint(state: RunState, log: Logger): Promise<ProgramCheckpoint | undefined> {
  const { request, ports } = state;
  if (!ports.openCheckpoints) return undefined;
  // Without a database nobody has looked yet whether there is one; and an earlier attempt of this run may have saved.
  const mayBeThere = state.checkpointed || state.checkpointing !== undefined || !ports.database;
  const text = mayBeThere ? await (await checkpointing(state)).loadText() : undefined;
  return {
    text,
    async save(next) {
      if (request.dryRun) return true;
      try {
        await (await checkpointing(state)).saveText(next);
        return true;
      } catch (error) {
        log.warn('the checkpoint of the program is not saved', { error: state.describe(error) });
        return false;
      }
    },
  };
}

/** One for all attempts of the run. */
function checkpointing(state: RunState): Promise<Checkpointing> {
  state.checkpointing ??= open(state);
  return state.checkpointing;
}

async function open(state: RunState): Promise<Checkpointing> {
  const { request, ports, prepared } = state;
  if (!ports.openCheckpoints) throw new ConfigError(NOWHERE);
  const [{ Checkpointing }, store] = await Promise.all([import('./checkpointing.ts'), ports.openCheckpoints()]);
  return new Checkpointing({
    store,
    owner: ownerOf(state),
    restart: request.restart,
    dryRun: request.dryRun,
    schema: prepared?.job.checkpoint,
    monotonicMs: () => ports.clock.monotonicMs(),
    stop: (error) => {
      state.loseLock();
      ports.stop.request({ kind: 'lock_lost', error });
    },
  });
}

/** There is nothing to keep progress in. */
export const NOWHERE =
  'DATABASE_URL is not set, and the job keeps its progress in PostgreSQL: set it to postgres://user:password@host:5432/database, or WORKER_CHECKPOINT_FILE to a file on a volume that outlives the pod';
