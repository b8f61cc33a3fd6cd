// Logging in with the token, and out again.
import type { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { type Access, COOKIE, SESSION_SECONDS } from './http/access.ts';
import { answerPage } from './http/answer.ts';
import { addressOf, type Ctx, type Env } from './http/context.ts';
import { isSameOrigin } from './http/csrf.ts';
import { readForm } from './http/form.ts';
import { LoginPage } from './views/messages.tsx';
import type { Frame } from './views/parts.tsx';

interface LoginOptions {
  readonly access: Access;
  readonly frameOf: (c: Ctx) => Frame;
  readonly mostBytes: number;
}

/** Whether the browser asked by HTTPS, as a proxy that we trust says. */
export const isSecure = (c: Ctx, access: Access): boolean =>
  access.isTrusted(addressOf(c)) && c.req.header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https';

export function addLogin(app: Hono<Env>, { access, frameOf, mostBytes }: LoginOptions): void {
  const page = (c: Ctx, next: string, problem?: string) =>
    answerPage(c, <LoginPage frame={frameOf(c)} next={next} problem={problem} />);

  app.get('/login', (c) => (access.hasLogin ? page(c, ownPath(c.req.query('next'))) : c.redirect('/', 303)));

  app.post('/login', async (c) => {
    if (!access.hasLogin) return c.redirect('/', 303);
    const form = await readForm(c, mostBytes);
    const next = ownPath(form.get('next') ?? undefined);
    if (!isSameOrigin(c)) {
      c.status(403);
      return page(c, next, 'Another site sent this form: log in here.');
    }
    const result = access.logIn(addressOf(c), form.get('token') ?? '');
    if ('cookie' in result) {
      setCookie(c, COOKIE, result.cookie, {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: isSecure(c, access),
        maxAge: SESSION_SECONDS,
      });
      return c.redirect(next, 303);
    }
    if (result.verdict === 'busy') {
      c.header('retry-after', String(result.retryAfterS));
      c.status(429);
      return page(c, next, `Too many wrong tokens: try again in ${result.retryAfterS} s.`);
    }
    c.status(401);
    return page(c, next, 'That is not the token.');
  });

  app.post('/logout', (c) => {
    if (isSameOrigin(c)) deleteCookie(c, COOKIE, { path: '/' });
    return c.redirect('/login', 303);
  });
}

/** A path of ours; never a way to another site. */
function ownPath(given: string | undefined): string {
  const base = 'http://console.invalid';
  const url = given?.startsWith('/') ? URL.parse(given, base) : null;
  return url?.origin === base ? `${url.pathname}${url.search}` : '/';
}
