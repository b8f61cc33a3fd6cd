// What runs now: since when, how far it is, when it must end, who waits for whom, and how many places are taken.
import { formatDuration } from '../../duration.ts';
import type { Now, Running, Waiting } from '../api/schemas.ts';
import { tellProgress } from '../charts/life.tsx';
import { type Frame, jobPath, Length, Page, Time } from './parts.tsx';

export function NowPage({ frame, now }: { readonly frame: Frame; readonly now: Now }) {
  const { places } = now;
  return (
    <Page frame={frame} title="Now" names={undefined}>
      <h1>Now</h1>
      <p>
        {now.running.length === 0
          ? 'Nothing runs.'
          : `${now.running.length} ${now.running.length === 1 ? 'run is' : 'runs are'} under way.`}{' '}
        {places.taken === undefined
          ? `There are ${places.total} places; how many are taken isn’t known here.`
          : `${places.taken} of ${places.total} places ${places.taken === 1 ? 'is' : 'are'} taken.`}
      </p>
      {places.taken !== undefined && (
        <meter
          class="places"
          min={0}
          max={places.total}
          high={places.total - 1}
          value={places.taken}
          aria-label="Places taken"
        >
          {places.taken} of {places.total}
        </meter>
      )}
      {now.running.length > 0 && (
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Since</th>
              <th scope="col">How far</th>
              <th scope="col">Of its limit</th>
              <th scope="col" class="number">
                Usually
              </th>
              <th scope="col">Must end</th>
              <th scope="col">Place</th>
            </tr>
          </thead>
          <tbody>
            {now.running.map((run) => (
              <Row run={run} at={now.at} />
            ))}
          </tbody>
        </table>
      )}
      {now.waiting.length > 0 && (
        <section>
          <h2>Who waits for whom</h2>
          <table class="runs">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Waits for</th>
                <th scope="col">Since</th>
                <th scope="col">At most</th>
                <th scope="col">Place</th>
              </tr>
            </thead>
            <tbody>
              {now.waiting.map((run) => (
                <WaitingRow run={run} at={now.at} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Page>
  );
}

/** A run without a record, which has no page yet. */
function WaitingRow({ run, at }: { readonly run: Waiting; readonly at: string }) {
  return (
    <tr>
      <th scope="row">
        <a href={jobPath(run.name)}>{run.name}</a>
        <span class="sub faint">
          {run.id.slice(-8)}
          {run.shard.count > 1 && ` part ${run.shard.index} of ${run.shard.count}`}
        </span>
      </th>
      <td data-label="Waits for">
        <span>
          <Awaited run={run} />
        </span>
      </td>
      <td data-label="Since">
        <Time at={run.since} ago={at} />
      </td>
      <td data-label="At most">
        <Time at={run.until} ago={at} />
      </td>
      <td data-label="Place" class="clip">
        {run.place}
      </td>
    </tr>
  );
}

function Awaited({ run: { reason, holder, after, name } }: { readonly run: Waiting }) {
  if (reason === 'limit') return <>a place: all are taken</>;
  if (reason === 'after' && after !== undefined) {
    return (
      <>
        the slot of <a href={jobPath(after)}>{after}</a>
      </>
    );
  }
  if (holder === undefined) return <>its lock</>;
  return (
    <>
      its lock, which{' '}
      <a href={`/runs/${holder.id}`}>
        {holder.name === undefined || holder.name === name ? holder.id.slice(-8) : holder.name}
      </a>{' '}
      has
    </>
  );
}

function Row({ run, at }: { readonly run: Running; readonly at: string }) {
  const elapsed = Math.max(0, Date.parse(at) - Date.parse(run.startedAt));
  const limit =
    run.deadline === undefined ? undefined : Math.max(1, Date.parse(run.deadline) - Date.parse(run.startedAt));
  const long = run.usualMs !== undefined && elapsed > 2 * run.usualMs;
  return (
    <tr>
      <th scope="row">
        <a href={jobPath(run.name)}>{run.name}</a>
        <a class="sub faint" href={`/runs/${run.id}`}>
          {run.id.slice(-8)}
          {run.shard.count > 1 && ` part ${run.shard.index} of ${run.shard.count}`}
          {run.attempts > 1 && run.lastFailure === undefined && ` attempt ${run.attempts}`}
        </a>
        {run.lastFailure !== undefined && (
          <span class="sub faint clip" title={run.lastFailure}>
            attempt {run.attempts} failed, another follows: {run.lastFailure}
          </span>
        )}
      </th>
      <td data-label="Since">
        <Time at={run.startedAt} ago={at} />
        {long && <span class="sub">longer than usual</span>}
      </td>
      <td data-label="How far">
        <HowFar progress={run.progress} />
      </td>
      <td data-label="Of its limit">
        {limit === undefined ? (
          '–'
        ) : (
          <meter
            min={0}
            max={limit}
            high={limit * 0.8}
            value={Math.min(elapsed, limit)}
            aria-label={`${formatDuration(elapsed)} of ${formatDuration(limit)}`}
          >
            {formatDuration(elapsed)} of {formatDuration(limit)}
          </meter>
        )}
      </td>
      <td data-label="Usually" class="number">
        <Length ms={run.usualMs} />
      </td>
      <td data-label="Must end">{run.deadline === undefined ? '–' : <Time at={run.deadline} ago={at} />}</td>
      <td data-label="Place" class="clip">
        {run.place}
      </td>
    </tr>
  );
}

/** How much of its work is done, where its job says so. */
function HowFar({ progress }: { readonly progress: Running['progress'] }) {
  if (progress === undefined) return <>–</>;
  const { done, total } = progress;
  const words = tellProgress(progress);
  return (
    <>
      {total !== undefined && total > 0 && (
        <meter min={0} max={total} value={Math.min(done, total)} aria-label={words}>
          {words}
        </meter>
      )}
      <span class="sub">{words}</span>
    </>
  );
}
