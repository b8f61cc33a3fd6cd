// One name: its days, how long its runs took and how they ended, its schedule, its pauses, and what was missed.
import type { Child } from 'hono/jsx';
import { tellReason } from '../../app/tell-reason.ts';
import { formatDuration } from '../../duration.ts';
import type { JobDetail } from '../api/schemas.ts';
import { Calendar } from '../charts/calendar.tsx';
import { DurationsChart } from '../charts/durations.tsx';
import { Legend, Strip } from '../charts/strip.tsx';
import { PauseForm, ResumeForm } from './actions.tsx';
import { Command, type Frame, Health, jobPath, Length, Outside, Page, Status, Time } from './parts.tsx';

/** How many runs are listed. */
const LISTED = 50;

export function JobPage({ frame, job, at }: { readonly frame: Frame; readonly job: JobDetail; readonly at: string }) {
  const { schedule, pause } = job;
  return (
    <Page frame={frame} title={job.name} names={[job.name]}>
      <h1>{job.name}</h1>
      <p class="head">
        <Health health={job.health} />
        {job.overdueSince !== undefined && (
          <span>
            overdue since <Time at={job.overdueSince} />, by{' '}
            {formatDuration(Math.max(0, Date.parse(at) - Date.parse(job.overdueSince)))}
          </span>
        )}
        {job.consecutiveFailures > 0 && (
          <span>{job.consecutiveFailures === 1 ? '1 failure' : `${job.consecutiveFailures} failures in a row`}</span>
        )}
      </p>
      {job.lastRun?.error !== undefined && job.consecutiveFailures > 0 && (
        <p class="error">
          <a href={`/runs/${job.lastRun.id}`}>{job.lastRun.error}</a>
        </p>
      )}
      <div class="columns">
        <section>
          <h2>Facts</h2>
          <dl>
            <Fact name="Schedule">{schedule && `${schedule.words}${schedule.suspended ? ' (suspended)' : ''}`}</Fact>
            <Fact name="Cron">{schedule && <code>{schedule.cron}</code>}</Fact>
            <Fact name="Next">
              {job.next.length > 0 && (
                <ul class="bare">
                  {job.next.map((next) => (
                    <li>
                      <Time at={next} />
                    </li>
                  ))}
                </ul>
              )}
            </Fact>
            <Fact name="Last success">{job.lastSuccess ? <Time at={job.lastSuccess.endedAt} /> : 'never'}</Fact>
            <Fact name="Job">{job.job !== job.name && job.job}</Fact>
            <Fact name="Namespace">{job.namespace}</Fact>
            <Fact name="Owner">{job.owner}</Fact>
            <Fact name="Runbook">
              {job.runbook !== undefined && <Outside href={job.runbook}>{job.runbook}</Outside>}
            </Fact>
            <Fact name="Tags">{job.tags.join(', ')}</Fact>
            <Fact name="Timeout">{job.timeoutMs !== undefined && <Length ms={job.timeoutMs} />}</Fact>
            <Fact name="Half within">{job.p50Ms !== undefined && <Length ms={job.p50Ms} />}</Fact>
            <Fact name="95 % within">{job.p95Ms !== undefined && <Length ms={job.p95Ms} />}</Fact>
            <Fact name="Comes after">
              {job.after.length > 0 && (
                <ul class="bare">
                  {job.after.map((name) => (
                    <li>
                      <a href={jobPath(name)}>{name}</a>
                    </li>
                  ))}
                </ul>
              )}
            </Fact>
            <Fact name="Told by">{job.source}</Fact>
          </dl>
          {hasEntries(job.params) && (
            <>
              <h2>Parameters</h2>
              <pre tabindex={0}>{JSON.stringify(job.params, null, 2)}</pre>
            </>
          )}
        </section>
        <section>
          <h2>Last 30 slots</h2>
          <Strip slots={job.slots} />
          <Legend />
          <h2>30 days</h2>
          {job.days30 ? <Mix days={job.days30} /> : <p class="faint">No run has ended.</p>}
          <h2>Days</h2>
          <Calendar counts={job.days} now={at} />
        </section>
      </div>
      <section>
        <h2>Durations</h2>
        <DurationsChart runs={job.runs} timeoutMs={job.timeoutMs} />
      </section>
      {pause !== undefined && (
        <section>
          <h2>Paused</h2>
          <p>
            since <Time at={pause.since} />
            {pause.by !== undefined && ` by ${pause.by}`}
            {pause.until !== undefined && (
              <>
                , until <Time at={pause.until} />
              </>
            )}
            : {pause.why}
          </p>
          {frame.csrf === undefined ? (
            <Command text={`run-job resume ${job.name}`} />
          ) : (
            <ResumeForm name={job.name} csrf={frame.csrf} />
          )}
        </section>
      )}
      {pause === undefined && frame.csrf !== undefined && <PauseForm name={job.name} csrf={frame.csrf} />}
      {job.missedSlots.length > 0 && (
        <section>
          <h2>Missed slots</h2>
          <p class="faint">Each with the command that does its work now.</p>
          <ul class="bare spaced">
            {job.missedSlots.map(({ at: slot, reason, command }) => (
              <li>
                <Time at={slot} /> {reason !== undefined && <span class="faint">{tellReason(reason)}</span>}
                <Command text={command} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>Runs</h2>
        {job.runs.length === 0 && <p class="faint">Nothing has run yet.</p>}
        {job.runs.length > 0 && <RunTable runs={job.runs.slice(0, LISTED)} />}
      </section>
      <History job={job} />
    </Page>
  );
}

/** Runs as a list. */
export function RunTable({ runs }: { readonly runs: JobDetail['runs'] }) {
  return (
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">Slot</th>
          <th scope="col">Status</th>
          <th scope="col">Started</th>
          <th scope="col" class="number">
            Took
          </th>
          <th scope="col">Run</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr>
            <td data-label="Slot">
              <Time at={run.scheduledAt} />
              {run.shard.count > 1 && <span class="sub faint">{`part ${run.shard.index} of ${run.shard.count}`}</span>}
            </td>
            <td data-label="Status">
              <Status status={run.status} />
              {run.reason !== undefined && <span class="sub faint">{tellReason(run.reason)}</span>}
            </td>
            <td data-label="Started">
              <Time at={run.startedAt} />
            </td>
            <td data-label="Took" class="number">
              <Length ms={run.durationMs} />
            </td>
            <td data-label="Run">
              <a href={`/runs/${run.id}`}>
                <code>{run.id.slice(-8)}</code>
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A fact, where there is one. */
export function Fact({ name, children }: { readonly name: string; readonly children?: Child }) {
  const nothing = children === undefined || children === null || children === false || children === '';
  if (nothing) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How runs ended, in parts of a whole. */
function Mix({ days }: { readonly days: NonNullable<JobDetail['days30']> }) {
  const total = days.succeeded + days.failed + days.skipped;
  if (total === 0) return <p class="faint">No run has ended.</p>;
  const parts = [
    { shape: 'done', name: 'succeeded', count: days.succeeded },
    { shape: 'failed', name: 'failed', count: days.failed },
    { shape: 'skipped', name: 'skipped', count: days.skipped },
  ];
  let x = 0;
  return (
    <>
      <svg class="mix" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ shape, count }) => {
          const width = (count / total) * 1_000;
          x += width;
          return <rect class={`s-${shape}`} x={x - width} y={0} width={width} height={20} />;
        })}
      </svg>
      <p>
        {parts
          .filter(({ count }) => count > 0)
          .map(({ name, count }) => `${count} ${name} (${Math.round((count / total) * 1_000) / 10} %)`)
          .join(', ')}
      </p>
    </>
  );
}

/** What people decided. */
function History({ job }: { readonly job: JobDetail }) {
  if (job.pauses.length === 0 && job.actions.length === 0) return null;
  return (
    <section>
      <h2>What people did</h2>
      <ul class="bare spaced">
        {job.pauses.map((pause) => (
          <li>
            Paused from <Time at={pause.since} /> to {pause.endedAt === undefined ? 'now' : <Time at={pause.endedAt} />}
            {pause.by !== undefined && ` by ${pause.by}`}: {pause.why}
          </li>
        ))}
        {job.actions.map(({ at, who, action, runId, why }) => (
          <li>
            <Time at={at} />: {action} by {who} {runId && <a href={`/runs/${runId}`}>{runId.slice(-8)}</a>}{' '}
            {why && `(${why})`}
          </li>
        ))}
      </ul>
    </section>
  );
}

const hasEntries = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;
