// What every page is made of: the frame, times, durations, badges.
import type { Child } from 'hono/jsx';
import { formatDuration } from '../../duration.ts';
import { ASSETS } from '../assets/index.ts';
import { shapeOfStatus } from '../charts/states.ts';
import { Mark } from '../charts/strip.tsx';

/** What a page knows of who looks, and of how true it is. */
export interface Frame {
  /** The path that the navigation marks. */
  readonly path: string;
  readonly version: string;
  readonly who: string | undefined;
  /** Whether there is a login to leave. */
  readonly hasLogin: boolean;
  /** Absent where nothing may be done. */
  readonly csrf: string | undefined;
  /** What is wrong with what is shown, as sentences. */
  readonly notices: readonly string[];
}

const PAGES = [
  { path: '/', name: 'Jobs' },
  { path: '/now', name: 'Now' },
  { path: '/night', name: 'Last 24 h' },
] as const;

/**
 * A page.
 * @param names the names that it tells of; it is fetched anew when one of them changes. Undefined for all, none for never.
 */
export function Page({
  frame,
  title,
  names,
  children,
}: {
  readonly frame: Frame;
  readonly title: string;
  readonly names: readonly string[] | undefined;
  readonly children?: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · run-job`}</title>
        <link rel="icon" href={ASSETS.icon.path} type="image/svg+xml" />
        <link rel="stylesheet" href={ASSETS.style.path} />
        <script src={ASSETS.script.path} defer></script>
      </head>
      <body data-names={names === undefined ? undefined : JSON.stringify(names)}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="top">
          <a class="brand" href="/">
            run-job
          </a>
          <nav aria-label="Pages">
            {PAGES.map(({ path, name }) => (
              <a href={path} aria-current={path === frame.path ? 'page' : undefined}>
                {name}
              </a>
            ))}
          </nav>
          <span class="live faint" id="liveness" role="status"></span>
          {frame.hasLogin && (
            <form method="post" action="/logout">
              <button type="submit" class="plain">
                Log out
              </button>
            </form>
          )}
        </header>
        <main id="main" tabindex={-1}>
          <div id="live">
            {frame.notices.map((notice) => (
              <p class="notice" role="alert">
                {notice}
              </p>
            ))}
            {children}
          </div>
        </main>
        <footer class="faint">
          run-job {frame.version} · times are UTC until a script shows yours · <a href="/api/v1/openapi.json">API</a> ·{' '}
          <a href="/metrics">metrics</a>
          {frame.who !== undefined && ` · ${frame.who}`}
        </footer>
      </body>
    </html>
  );
}

/** An instant: UTC here, the viewer's own time where scripts run, UTC again on hover. */
export function Time({ at, ago }: { readonly at: string; readonly ago?: string }) {
  const utc = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  return (
    <time datetime={at} title={utc} data-ago={ago === undefined ? undefined : ''}>
      {ago === undefined ? utc.replace(/:\d\d UTC$/, ' UTC') : tellAgo(at, ago)}
    </time>
  );
}

/** Such as "3m ago" or "in 2h". */
export function tellAgo(at: string, now: string): string {
  const ms = Date.parse(now) - Date.parse(at);
  const told = coarse(Math.abs(ms));
  if (told === '0s') return 'now';
  return ms < 0 ? `in ${told}` : `${told} ago`;
}

/** In one unit, or two from minutes on. */
function coarse(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  return formatDuration(Math.round(seconds / 60) * 60_000);
}

export const Length = ({ ms }: { readonly ms: number | undefined }) => (
  <>{ms === undefined ? '–' : formatDuration(ms)}</>
);

const GLYPHS: Readonly<Record<string, string>> = {
  failing: '✕',
  overdue: '!',
  paused: '‖',
  suspended: '–',
  running: '▶',
  unknown: '?',
  ok: '✓',
};

/** How a name is doing: a sign and a word. */
export function Health({ health }: { readonly health: string }) {
  return (
    <span class={`badge h-${health}`}>
      <span aria-hidden="true">{GLYPHS[health]}</span> {health}
    </span>
  );
}

/** How a run ended: a shape and a word. */
export function Status({ status }: { readonly status: string }) {
  return (
    <span class="status">
      <Mark shape={shapeOfStatus(status)} /> {status}
    </span>
  );
}

/** A command to copy; the button appears where scripts run. */
export function Command({ text }: { readonly text: string }) {
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="copy plain" data-copy={text} hidden>
        Copy
      </button>
    </span>
  );
}

/** A link of somebody else's: only to the web. */
export function Outside({ href, children }: { readonly href: string; readonly children?: Child }) {
  if (!/^https?:\/\//i.test(href)) return <>{href}</>;
  return (
    <a href={href} rel="noopener noreferrer">
      {children}
    </a>
  );
}

/** From one page of a list to the next. */
export function Pages({
  page,
  pages,
  href,
}: {
  readonly page: number;
  readonly pages: number;
  readonly href: (page: number) => string;
}) {
  if (pages < 2) return null;
  return (
    <nav class="pages" aria-label="Pages of the list">
      {page > 1 && (
        <a rel="prev" href={href(page - 1)}>
          Back
        </a>
      )}
      <span>
        page {page} of {pages}
      </span>
      {page < pages && (
        <a rel="next" href={href(page + 1)}>
          Next
        </a>
      )}
    </nav>
  );
}

/** The path of a name's page. */
export const jobPath = (name: string): string => `/jobs/${encodeURIComponent(name)}`;

/** A path with a query, without what is empty. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') given.set(key, String(value));
  return given.size === 0 ? path : `${path}?${given}`;
}
