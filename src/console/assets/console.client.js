// The whole of what runs in the browser: own times, copying, and fetching the page anew when something on it has changed.
(() => {
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

  function coarse(ms) {
    const seconds = Math.round(ms / 1000);
    if (seconds < 60) return `${seconds}s`;
    const minutes = Math.round(seconds / 60);
    const parts = [
      [Math.floor(minutes / 1440), 'd'],
      [Math.floor(minutes / 60) % 24, 'h'],
      [minutes % 60, 'm'],
    ];
    const first = parts.findIndex(([amount]) => amount > 0);
    return parts
      .slice(first, first + 2)
      .filter(([amount]) => amount > 0)
      .map(([amount, unit]) => amount + unit)
      .join(' ');
  }

  function showTimes() {
    const now = Date.now();
    for (const element of document.querySelectorAll('time[datetime]')) {
      const at = Date.parse(element.dateTime);
      const ms = now - at;
      const text =
        'ago' in element.dataset
          ? Math.abs(ms) < 500
            ? 'now'
            : ms < 0
              ? `in ${coarse(-ms)}`
              : `${coarse(ms)} ago`
          : full.format(at);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  function showCopy() {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('button[data-copy]')) button.hidden = false;
  }

  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null;
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });

  const liveness = document.getElementById('liveness');
  function say(text) {
    if (liveness && liveness.textContent !== text) liveness.textContent = text;
  }

  // What is being pressed must not be replaced meanwhile: the press would be lost.
  let pressed = false;
  addEventListener('pointerdown', () => {
    pressed = true;
  });
  for (const end of ['pointerup', 'pointercancel']) {
    addEventListener(end, () => {
      pressed = false;
    });
  }

  // Nor what somebody has marked, to read or to copy it: for half a minute at most, since what is shown grows old.
  const isMarked = () => {
    const selection = getSelection();
    return !selection?.isCollapsed && document.getElementById('live')?.contains(selection?.anchorNode ?? null);
  };

  let fetching = false;
  let again = false;
  let keptSince;
  let kept;
  async function refresh() {
    keptSince ??= Date.now();
    if (pressed || (isMarked() && Date.now() - keptSince < 30_000)) {
      clearTimeout(kept);
      kept = setTimeout(refresh, 300);
      return;
    }
    keptSince = undefined;
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' }, credentials: 'same-origin' });
      if (response.redirected) {
        location.assign(response.url);
        return;
      }
      const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('live');
      const live = document.getElementById('live');
      // What can't be read now stays as it was; since when, the notice says.
      if (response.status >= 500 && live && !live.querySelector('[data-passes]')) warn(live, fresh);
      else if (fresh && live) replace(live, fresh);
    } catch {
      say('offline');
    }
    fetching = false;
    if (again) {
      again = false;
      setTimeout(refresh, 500);
    }
  }

  function warn(live, fresh) {
    for (const old of live.querySelectorAll(':scope > .notice')) old.remove();
    live.prepend(...(fresh?.querySelectorAll(':scope > .notice') ?? []));
  }

  const isTouched = (input) => input.type !== 'hidden' && input.value !== input.defaultValue;

  // Keeps what the viewer has typed, opened, scrolled to and is at.
  function replace(live, fresh) {
    const at = document.activeElement;
    const focused = at instanceof HTMLElement && live.contains(at) ? at : undefined;
    // Elements of one kind are the same where they are the same in number, or where they lead.
    const kind =
      focused instanceof HTMLAnchorElement
        ? `a[href="${CSS.escape(focused.getAttribute('href') ?? '')}"]`
        : focused?.localName;
    const index = kind === undefined ? -1 : [...live.querySelectorAll(kind)].indexOf(focused);
    for (const form of live.querySelectorAll('form')) {
      if (!form.contains(focused ?? null) && ![...form.querySelectorAll('input')].some(isTouched)) continue;
      const action = CSS.escape(form.getAttribute('action') ?? '');
      fresh.querySelector(`form[action="${action}"]`)?.replaceWith(form);
    }
    const open = [...live.querySelectorAll('details')].map((details) => details.open);
    for (const [number, details] of [...fresh.querySelectorAll('details')].entries())
      details.open = open[number] ?? false;
    const scrolled = [...live.querySelectorAll('pre')].map((pre) => pre.scrollTop);
    live.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const [number, pre] of [...live.querySelectorAll('pre')].entries()) pre.scrollTop = scrolled[number] ?? 0;
    const twin = focused && live.contains(focused) ? focused : kind && live.querySelectorAll(kind)[index];
    twin?.focus({ preventScroll: true });
    showTimes();
    showCopy();
  }

  const own = document.body.dataset.names;
  const names = own === undefined ? undefined : JSON.parse(own);
  let events;
  let missed = false;
  function listen() {
    events = new EventSource('/events');
    events.addEventListener('open', () => {
      say('live');
      // What has changed while nobody told us.
      if (missed) refresh();
      missed = false;
    });
    events.addEventListener('error', () => {
      missed = true;
      say('not live: reconnecting');
      // After an answer that is no stream, a browser gives up.
      if (events?.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10_000 + Math.random() * 5000);
    });
    events.addEventListener('change', (event) => {
      const told = JSON.parse(event.data);
      const ours = told.all || names === undefined || told.names.some((name) => names.includes(name));
      // Not all browsers at the same moment.
      if (ours) setTimeout(refresh, Math.random() * 300);
    });
  }

  // A browser has six connections to one server for all of its tabs: one that nobody sees gives its own back, and catches up when it is seen.
  function listenWhileSeen() {
    if (document.hidden) {
      events?.close();
      events = undefined;
      missed = true;
    } else if (events === undefined) {
      listen();
    }
  }
  if (names === undefined || names.length > 0) {
    document.addEventListener('visibilitychange', listenWhileSeen);
    listenWhileSeen();
  }

  showTimes();
  showCopy();
  setInterval(showTimes, 1000);
})();
