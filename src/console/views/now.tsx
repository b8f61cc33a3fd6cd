// What runs now: since when, when it must end, and how many places are taken.
import { formatDuration } from '../../duration.ts';
import type { Now, Running } from '../api/schemas.ts';
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
        {places.taken} of {places.total} places are taken.
      </p>
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
      {now.running.length > 0 && (
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Since</th>
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
          <h2>Who comes after whom</h2>
          <ul class="bare spaced">
            {now.waiting.map(({ name, for: others }) => (
              <li>
                <a href={jobPath(name)}>{name}</a> comes after{' '}
                {others.map((other, index) => (
                  <>
                    {index > 0 && ', '}
                    <a href={jobPath(other)}>{other}</a>
                  </>
                ))}
              </li>
            ))}
          </ul>
        </section>
      )}
      <p class="faint">
        A run that waits for its lock or for a place holds no connection and has no record until it begins.
      </p>
    </Page>
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
          {run.attempts > 1 && ` attempt ${run.attempts}`}
        </a>
      </th>
      <td data-label="Since">
        <Time at={run.startedAt} ago={at} />
        {long && <span class="sub">longer than usual</span>}
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
