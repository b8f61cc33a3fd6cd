// Answers questions about times that schedules name. Loaded only where a schedule asks one.

import type { Calendar } from '../runner/ports.ts';
import { readBlackouts, blackoutAt as windowAt } from '../schedule/blackouts.ts';
import { parseCron } from '../schedule/cron.ts';
import { previousSlot } from '../schedule/slots.ts';
import { zoneOf } from '../schedule/zone.ts';

export const blackoutAt: Calendar['blackoutAt'] = async ({ blackouts, timeZone }, at) =>
  windowAt(readBlackouts(blackouts), timeZone, at);

export const latestSlot: Calendar['latestSlot'] = async ({ cron, timeZone }, at) =>
  // The one before the next millisecond is this instant, if it is a slot.
  previousSlot({ cron: parseCron(cron), zone: zoneOf(timeZone) }, new Date(at.getTime() + 1));
