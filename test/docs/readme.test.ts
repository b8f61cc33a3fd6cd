// README as people see it: all pictures there, nothing cut, and no longer than somebody reads.
import { expect, test } from 'vitest';
import { lookAtReadme, MOST_SCREENS } from '../../docs/readme-page.ts';
import { findProgram } from '../support/install.ts';

const browserPath = findProgram('chromium', 'chromium-browser', 'google-chrome');

test.skipIf(browserPath === undefined)(
  'README fits its column and five screens of 1440 x 1080, with its pictures',
  async () => {
    const { screens, missing, tooWide } = await lookAtReadme(browserPath as string);
    expect({ missing, tooWide }).toEqual({ missing: [], tooWide: [] });
    expect(screens).toBeLessThanOrEqual(MOST_SCREENS);
    // A page that didn't render would fit as well.
    expect(screens).toBeGreaterThan(3);
  },
);
