// All names, what needs a person first.
import { HEALTHS } from '../../app/standing.ts';
import { formatDuration } from '../../duration.ts';
import type { Job, Jobs, JobsQuery } from '../api/schemas.ts';
import { Sparkline } from '../charts/durations.tsx';
import { Legend, Strip } from '../charts/strip.tsx';
import { type Frame, Health, jobPath, Length, Page, Pages, Time, withQuery } from './parts.tsx';

export function JobsPage({
  frame,
  jobs,
  query,
}: {
  readonly frame: Frame;
  readonly jobs: Jobs;
  readonly query: JobsQuery;
}) {
  const link = (change: Readonly<Record<string, string | number | undefined>>) =>
    withQuery('/', { ...query, page: undefined, ...change });
  const all = Object.values(jobs.counts).reduce((sum, count) => sum + count, 0);
  return (
    <Page frame={frame} title="Jobs" names={undefined}>
      <h1>Jobs</h1>
      <search>
        <form class="filter" method="get" action="/">
          <label>
            <span class="faint">Search</span>
            <input
              type="search"
              name="q"
              id="q"
              value={query.q ?? ''}
              maxlength={200}
              placeholder="name, owner or tag"
            />
          </label>
          {query.health ? <input type="hidden" name="health" value={query.health} /> : null}
          {query.owner ? <input type="hidden" name="owner" value={query.owner} /> : null}
          {query.tag ? <input type="hidden" name="tag" value={query.tag} /> : null}
          {query.namespace ? <input type="hidden" name="namespace" value={query.namespace} /> : null}
          <button type="submit">Search</button>
        </form>
      </search>
      <nav class="chips" aria-label="Filter">
        <a href={link({ health: undefined })} aria-current={query.health ? undefined : 'true'}>
          all <b>{all}</b>
        </a>
        {HEALTHS.filter((health) => (jobs.counts[health] ?? 0) > 0 || query.health === health).map((health) => (
          <a href={link({ health })} aria-current={query.health === health ? 'true' : undefined}>
            <Health health={health} /> <b>{jobs.counts[health] ?? 0}</b>
          </a>
        ))}
        {(['owner', 'tag', 'namespace'] as const).map(
          (key) =>
            query[key] && (
              <a href={link({ [key]: undefined })} aria-label={`Remove the filter ${key}`}>
                {key}: {query[key]} <span aria-hidden="true">✕</span>
              </a>
            ),
        )}
      </nav>
      {jobs.jobs.length === 0 ? (
        <p>
          {all === 0 && Object.values(query).every((value) => !value)
            ? 'There are no runs and no schedules yet.'
            : 'No name fits.'}
        </p>
      ) : (
        <table class="jobs">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Health</th>
              <th scope="col">Last 30 slots</th>
              <th scope="col">Last success</th>
              <th scope="col">Next</th>
              <th scope="col">Durations</th>
              <th scope="col" class="number">
                p95
              </th>
              <th scope="col">Owner</th>
            </tr>
          </thead>
          <tbody>
            {jobs.jobs.map((job) => (
              <Row job={job} at={jobs.at} link={link} />
            ))}
          </tbody>
        </table>
      )}
      <Pages page={jobs.page} pages={jobs.pages} href={(page) => link({ page })} />
      <Legend />
    </Page>
  );
}

function Row({
  job,
  at,
  link,
}: {
  readonly job: Job;
  readonly at: string;
  readonly link: (change: Record<string, string>) => string;
}) {
  return (
    <tr>
      <th scope="row">
        <a href={jobPath(job.name)}>{job.name}</a>
        {job.namespace !== '' && (
          <a class="faint sub" href={link({ namespace: job.namespace })}>
            {job.namespace}
          </a>
        )}
      </th>
      <td data-label="Health">
        <Health health={job.health} />
        <Reason job={job} at={at} />
      </td>
      <td class="wide">
        <Strip slots={job.slots} />
      </td>
      <td data-label="Last success">{job.lastSuccess ? <Time at={job.lastSuccess.endedAt} ago={at} /> : 'never'}</td>
      <td data-label="Next">{job.next[0] ? <Time at={job.next[0]} ago={at} /> : '–'}</td>
      <td data-label="Durations">
        <Sparkline durationsMs={job.durationsMs} />
      </td>
      <td data-label="p95" class="number">
        <Length ms={job.p95Ms} />
      </td>
      <td data-label="Owner">
        {job.owner === undefined ? (
          '–'
        ) : (
          <a href={link({ owner: job.owner })} title={job.owner}>
            {job.owner}
          </a>
        )}
      </td>
    </tr>
  );
}

/** In one line, why a name isn't well. */
function Reason({ job, at }: { readonly job: Job; readonly at: string }) {
  const told =
    job.health === 'failing'
      ? `${job.consecutiveFailures} in a row${job.lastRun?.error ? `: ${job.lastRun.error}` : ''}`
      : job.health === 'paused'
        ? job.pause?.why
        : undefined;
  return (
    <>
      {job.overdueSince !== undefined && (
        <span class="sub">overdue by {formatDuration(Math.max(0, Date.parse(at) - Date.parse(job.overdueSince)))}</span>
      )}
      {told !== undefined && (
        <span class="sub faint clip" title={told}>
          {told}
        </span>
      )}
    </>
  );
}
