// The login, and pages that say what is wrong and what to do about it.
import type { Frame } from './parts.tsx';
import { Page } from './parts.tsx';

export function LoginPage({
  frame,
  next,
  problem,
}: {
  readonly frame: Frame;
  readonly next: string;
  readonly problem: string | undefined;
}) {
  return (
    <Page frame={frame} title="Log in" names={[]}>
      <h1>Log in</h1>
      {problem !== undefined && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      <form class="action" method="post" action="/login">
        <input type="hidden" name="next" value={next} />
        <label>
          Token
          <input type="password" name="token" id="token" required autocomplete="current-password" maxlength={1000} />
        </label>
        <button type="submit">Log in</button>
      </form>
      <p class="faint">The token is what RUN_JOB_CONSOLE_TOKEN says where this console runs.</p>
    </Page>
  );
}

export function MessagePage({
  frame,
  title,
  message,
  passes = false,
  back,
}: {
  readonly frame: Frame;
  readonly title: string;
  readonly message: string;
  /** Whether it is over once the database can be read again: then the page is fetched anew. */
  readonly passes?: boolean;
  /** The page whose form was refused. */
  readonly back?: string | undefined;
}) {
  return (
    <Page frame={frame} title={title} names={passes || frame.notices.length > 0 ? undefined : []}>
      <h1 data-passes={passes ? '' : undefined}>{title}</h1>
      <p>{message}</p>
      <p>{back === undefined ? <a href="/">All jobs</a> : <a href={back}>Back</a>}</p>
    </Page>
  );
}
