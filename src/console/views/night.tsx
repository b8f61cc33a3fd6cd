// The last 24 hours of all names: overlaps and crowding at a glance.
import type { Night, NightQuery } from '../api/schemas.ts';
import { Crowd, NightRow } from '../charts/gantt.tsx';
import { type Frame, jobPath, Page, Pages, withQuery } from './parts.tsx';

export function NightPage({
  frame,
  night,
  query,
}: {
  readonly frame: Frame;
  readonly night: Night;
  readonly query: NightQuery;
}) {
  return (
    <Page frame={frame} title="Last 24 hours" names={undefined}>
      <h1>Last 24 hours</h1>
      <search>
        <form class="filter" method="get" action="/night">
          <label>
            <span class="faint">Search</span>
            <input type="search" name="q" id="q" value={query.q ?? ''} maxlength={200} placeholder="name" />
          </label>
          <button type="submit">Search</button>
        </form>
      </search>
      {night.names.length === 0 ? (
        <p>{query.q ? 'No name that worked fits.' : 'Nothing worked in the last 24 hours.'}</p>
      ) : (
        <table class="gantt">
          <thead>
            <tr>
              <th scope="col">Name, the busiest first</th>
              <th scope="col">When it worked, UTC</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">All names</th>
              <td>
                <Crowd night={night} />
              </td>
            </tr>
            {night.names.map((one) => (
              <tr>
                <th scope="row">
                  <a href={jobPath(one.name)}>{one.name}</a>
                </th>
                <td>
                  <NightRow night={night} name={one} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pages page={night.page} pages={night.pages} href={(page) => withQuery('/night', { ...query, page })} />
      <p class="faint">
        Runs that failed or were lost are as high as the row, skipped ones flat at its bottom; what still runs reaches
        to the right end.
      </p>
    </Page>
  );
}
