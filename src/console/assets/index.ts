// What the pages load besides themselves, each under a path that changes with its content, so that browsers may keep it for ever.
import { createHash } from 'node:crypto';
import script from './console.client.js';
import style from './console.css';
import icon from './icon.svg';

/** A file as it is sent. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

function asset(name: string, ending: string, type: string, body: string): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return { path: `/assets/${name}.${hash}.${ending}`, type, body };
}

export const ASSETS = {
  script: asset('console', 'js', 'text/javascript; charset=utf-8', script),
  style: asset('console', 'css', 'text/css; charset=utf-8', style),
  icon: asset('icon', 'svg', 'image/svg+xml', icon),
} as const;
