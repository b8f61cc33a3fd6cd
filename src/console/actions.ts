// What may be done by a button, where anything may: each by POST from a form of ours, by somebody who may, and written down.
import type { Hono } from 'hono';
import { formatDuration, parseDuration } from '../duration.ts';
import type { Ctx, Env } from './http/context.ts';
import { isOurs } from './http/csrf.ts';
import { readForm } from './http/form.ts';
import { Refusal } from './http/refusal.ts';
import type { ConsoleOptions } from './ports.ts';

interface ActionOptions {
  readonly options: ConsoleOptions;
  readonly mostBytes: number;
}

/** A sentence or two. */
const LONGEST_WHY = 500;

/** The longest that a pause may end by itself, in milliseconds. */
const LONGEST_PAUSE_MS = 366 * 86_400_000;

export function addActions(app: Hono<Env>, { options, mostBytes }: ActionOptions): void {
  const { actions, sight, redact, log } = options;
  if (actions === undefined) return;

  /** The form, and who sends it. @throws {Refusal} it isn't ours, or he may not */
  const asked = async (c: Ctx) => {
    const { who, mayAct } = c.get('visitor');
    if (!mayAct || who === undefined) throw new Refusal(403, 'Not for you', 'You may look, and do nothing.');
    const form = await readForm(c, mostBytes);
    if (!isOurs(c, form.get('csrf'))) {
      throw new Refusal(
        403,
        'Not from here',
        'This form didn’t come from a page of this console: open the page again and send it from there.',
      );
    }
    return { who, form };
  };

  const known = async (name: string) => {
    if (!(await sight.picture()).seen.has(name))
      throw new Refusal(404, 'No such name', 'There is no record and no schedule of this name.');
    return name;
  };

  const whyOf = (form: URLSearchParams): string | undefined => {
    const why = form.get('why')?.replace(/\s+/g, ' ').trim();
    if (why !== undefined && why.length > LONGEST_WHY) {
      throw new Refusal(400, 'Too long', `The reason may have ${LONGEST_WHY} characters, and has ${why.length}.`);
    }
    return why ? redact(why) : undefined;
  };

  const untilOf = (form: URLSearchParams): Date | undefined => {
    const given = form.get('for')?.trim();
    if (!given) return undefined;
    const ms = parseDuration(given);
    if (ms === undefined || ms === 0 || ms > LONGEST_PAUSE_MS) {
      throw new Refusal(
        400,
        'No duration',
        `For how long must be a duration such as 2h or 7d, ${formatDuration(LONGEST_PAUSE_MS)} at most.`,
      );
    }
    return new Date(Date.now() + ms);
  };

  /** To a page that shows what was done. */
  const shown = async (c: Ctx, path: string) => {
    await sight.picture(0).catch(() => {});
    return c.redirect(path, 303);
  };

  app.post('/jobs/:name/pause', async (c) => {
    const { who, form } = await asked(c);
    const name = await known(c.req.param('name'));
    const why = whyOf(form);
    if (why === undefined) throw new Refusal(400, 'Why?', 'Say why, for whoever wonders what didn’t run.');
    await actions.pause(name, { who, why, until: untilOf(form) });
    log.info(`${who} paused ${name}: ${why}`);
    return shown(c, `/jobs/${encodeURIComponent(name)}`);
  });

  app.post('/jobs/:name/resume', async (c) => {
    const { who } = await asked(c);
    const name = await known(c.req.param('name'));
    if (!(await actions.resume(name, who))) throw new Refusal(409, 'Not paused', 'The name isn’t paused any more.');
    log.info(`${who} resumed ${name}`);
    return shown(c, `/jobs/${encodeURIComponent(name)}`);
  });

  app.post('/runs/:id/cancel', async (c) => {
    const { who, form } = await asked(c);
    const id = c.req.param('id');
    const found = /^[0-9a-f-]{36}$/i.test(id) ? await sight.run(id) : undefined;
    if (found === undefined) throw new Refusal(404, 'No such run', 'No run has this id.');
    if (!(await actions.cancel(found.run, { who, why: whyOf(form) }))) {
      throw new Refusal(409, 'It has ended', `The run has ended already: ${found.run.status}.`);
    }
    log.info(`${who} cancelled run ${id} of ${found.run.name}`);
    return shown(c, `/runs/${id}`);
  });
}
