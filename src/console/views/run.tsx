// One run: its life, what it was given, what came of it, where it took place, and what belongs to it.
import { tellReason } from '../../app/tell-reason.ts';
import { backfillOf } from '../../app/why/remedies.ts';
import type { RunDetail } from '../api/schemas.ts';
import { Life } from '../charts/life.tsx';
import { CancelForm } from './actions.tsx';
import { Fact, RunTable } from './job.tsx';
import { Command, type Frame, jobPath, Length, Outside, Page, Status, Time } from './parts.tsx';

export function RunPage({
  frame,
  run,
  at,
  traceUrl,
  runbook,
}: {
  readonly frame: Frame;
  readonly run: RunDetail;
  readonly at: string;
  readonly traceUrl: string | undefined;
  /** Of its name's schedule. */
  readonly runbook: string | undefined;
}) {
  const { place } = run;
  // A record of a slot that nobody began: there was no process, and there is nothing to run again.
  const missed = run.status === 'missed';
  const trace =
    run.traceId !== undefined && traceUrl !== undefined
      ? traceUrl.replaceAll('{traceId}', encodeURIComponent(run.traceId))
      : undefined;
  return (
    <Page frame={frame} title={`${run.name} ${run.id.slice(-8)}`} names={[run.name]}>
      <p class="crumbs">
        <a href={jobPath(run.name)}>{run.name}</a>
        {runbook !== undefined && (
          <>
            {' '}
            · <Outside href={runbook}>runbook</Outside>
          </>
        )}
      </p>
      <h1>
        Run <code>{run.id}</code>
      </h1>
      <p class="head">
        <Status status={run.status} />
        {run.reason !== undefined && <span>{tellReason(run.reason)}</span>}
        {run.exitCode !== undefined && <span>exit code {run.exitCode}</span>}
        {run.dryRun && <span>dry run</span>}
        {run.forced && <span>forced</span>}
      </p>
      {run.why !== undefined && <p>{run.why}</p>}
      {run.status === 'lost' && (
        <p class="faint">
          Nobody holds this run's lock any more, and it never said how it ended: its process died without a word.
        </p>
      )}
      {missed ? <p class="faint">Nobody began a run of this slot while there was time.</p> : <Life run={run} at={at} />}
      {run.error !== undefined && (
        <section>
          <h2>Error</h2>
          <ErrorText error={run.error as RecordedError} />
        </section>
      )}
      <div class="columns">
        <section>
          <h2>Facts</h2>
          <dl>
            <Fact name="Scheduled">
              <Time at={run.scheduledAt} />
            </Fact>
            <Fact name="Started">{!missed && <Time at={run.startedAt} />}</Fact>
            <Fact name="Deadline">{run.deadline !== undefined && <Time at={run.deadline} />}</Fact>
            <Fact name={missed ? 'Noticed' : 'Ended'}>{run.endedAt !== undefined && <Time at={run.endedAt} />}</Fact>
            <Fact name="Took">{run.durationMs !== undefined && <Length ms={run.durationMs} />}</Fact>
            <Fact name="Attempts">{!missed && String(run.attempts)}</Fact>
            <Fact name="Part">{run.shard.count > 1 && `${run.shard.index} of ${run.shard.count}`}</Fact>
            <Fact name="Job">{run.job !== run.name && run.job}</Fact>
            <Fact name="Version">{run.version}</Fact>
            <Fact name="Peak memory">
              {run.peakRssBytes !== undefined && `${(run.peakRssBytes / 2 ** 20).toFixed(1)} MiB`}
            </Fact>
            <Fact name="CPU time">{run.cpuMs !== undefined && <Length ms={run.cpuMs} />}</Fact>
            <Fact name="Trace">
              {run.traceId !== undefined &&
                (trace === undefined ? <code>{run.traceId}</code> : <Outside href={trace}>{run.traceId}</Outside>)}
            </Fact>
          </dl>
        </section>
        <section>
          {!missed && (
            <>
              <h2>Place</h2>
              <dl>
                <Fact name="Pod">{place.podName}</Fact>
                <Fact name="Namespace">{place.namespace}</Fact>
                <Fact name="Job of Kubernetes">{place.jobName}</Fact>
                <Fact name="CronJob">{place.cronJobName}</Fact>
                <Fact name="Node">{place.nodeName}</Fact>
                <Fact name="Host">{`${place.host ?? '?'}, process ${place.pid ?? '?'}`}</Fact>
              </dl>
            </>
          )}
          <h2>{missed ? 'Do it after all' : 'Run it again'}</h2>
          <Command text={missed ? backfillOf(run.name, new Date(run.scheduledAt)) : `run-job rerun ${run.id}`} />
          {run.status === 'running' && (
            <>
              <h2>Cancel it</h2>
              {frame.csrf === undefined ? (
                <Command text={`run-job cancel ${run.id}`} />
              ) : (
                <CancelForm id={run.id} csrf={frame.csrf} />
              )}
            </>
          )}
        </section>
      </div>
      <Recorded title="Parameters" value={run.params} />
      <Recorded title="Result" value={run.result} />
      <Recorded title="Program" value={run.program} />
      {run.checkpoint !== undefined && (
        <section>
          <h2>Checkpoint</h2>
          <p>
            {run.checkpoint.saves === 1 ? '1 save' : `${run.checkpoint.saves} saves`}
            {run.checkpoint.savedAt !== undefined && (
              <>
                , the last at <Time at={run.checkpoint.savedAt} />
              </>
            )}
          </p>
          <pre tabindex={0}>
            {JSON.stringify({ value: run.checkpoint.value, steps: run.checkpoint.steps }, null, 2)}
          </pre>
        </section>
      )}
      {run.output !== undefined && run.output.length > 0 && (
        <section>
          <h2>Last lines</h2>
          <pre tabindex={0} class="lines">
            {run.output.join('\n')}
          </pre>
        </section>
      )}
      {run.siblings.length > 0 && (
        <section>
          <h2>Of the same slot or Job</h2>
          <RunTable runs={run.siblings} />
        </section>
      )}
    </Page>
  );
}

/** What is kept of a run, as JSON. */
function Recorded({ title, value }: { readonly title: string; readonly value: unknown }) {
  if (value === undefined || value === null || isEmpty(value)) return null;
  return (
    <section>
      <h2>{title}</h2>
      <pre tabindex={0}>{JSON.stringify(value, null, 2)}</pre>
    </section>
  );
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

interface RecordedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly causes?: readonly RecordedError[];
}

/** An error as people know it, the stack folded away, each cause below. */
function ErrorText({ error }: { readonly error: RecordedError }) {
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return (
    <div class="error">
      <p>
        <b>
          {error.name}
          {error.code !== undefined && ` [${error.code}]`}
        </b>
        : {error.message}
      </p>
      {frames.length > 0 && (
        <details>
          <summary>Where</summary>
          <pre tabindex={0}>{frames.join('\n')}</pre>
        </details>
      )}
      {(error.causes ?? []).map((cause) => (
        <div class="cause">
          <span class="faint">caused by</span>
          <ErrorText error={cause} />
        </div>
      ))}
    </div>
  );
}
