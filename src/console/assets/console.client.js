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

  let fetching = false;
  let again = false;
  async function refresh() {
    if (pressed) {
      setTimeout(refresh, 300);
      return;
    }
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
      if (fresh && live) replace(live, fresh);
    } catch {
      say('offline');
    }
    fetching = false;
    if (again) {
      again = false;
      setTimeout(refresh, 500);
    }
  }

  // Keeps what the viewer has typed, opened and is at.
  function replace(live, fresh) {
    const at = document.activeElement;
    const focused = at instanceof HTMLElement && live.contains(at) ? at : undefined;
    if (focused instanceof HTMLInputElement && focused.id) {
      const twin = fresh.querySelector(`#${CSS.escape(focused.id)}`);
      if (twin) {
        const form = focused.closest('form');
        twin.closest('form')?.replaceWith(form);
      }
    }
    const open = [...live.querySelectorAll('details')].map((details) => details.open);
    for (const [index, details] of [...fresh.querySelectorAll('details')].entries())
      details.open = open[index] ?? false;
    const link = focused instanceof HTMLAnchorElement ? focused.getAttribute('href') : undefined;
    live.replaceChildren(...document.adoptNode(fresh).childNodes);
    if (focused instanceof HTMLInputElement && live.contains(focused)) focused.focus();
    else if (link) live.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
    showTimes();
    showCopy();
  }

  const own = document.body.dataset.names;
  const names = own === undefined ? undefined : JSON.parse(own);
  if (names === undefined || names.length > 0) {
    const events = new EventSource('/events');
    let missed = false;
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
      if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10_000 + Math.random() * 5000);
    });
    events.addEventListener('change', (event) => {
      const told = JSON.parse(event.data);
      const ours = told.all || names === undefined || told.names.some((name) => names.includes(name));
      // Not all browsers at the same moment.
      if (ours) setTimeout(refresh, Math.random() * 300);
    });
  }

  showTimes();
  showCopy();
  setInterval(showTimes, 1000);
})();
