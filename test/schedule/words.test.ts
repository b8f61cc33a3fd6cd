// A cron line in words.
import { expect, test } from 'vitest';
import { parseCron } from '../../src/schedule/cron.ts';
import { tellCron } from '../../src/schedule/words.ts';

test.each([
  ['0 2 * * *', 'every day at 02:00'],
  ['@daily', 'every day at 00:00'],
  ['30 8 * * 1', 'every Monday at 08:30'],
  ['0 9 * * MON-FRI', 'Monday to Friday at 09:00'],
  ['0 9,17 * * 1,4', 'every Monday and Thursday at 09:00 and 17:00'],
  ['* * * * *', 'every minute'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['*/15 9-17 * * *', 'every 15 minutes from 09:00 to 17:59'],
  ['* 3 * * *', 'every minute from 03:00 to 03:59'],
  ['5 * * * *', 'every hour at :05'],
  ['5,35 * * * *', 'every hour at :05 and :35'],
  ['0 */2 * * *', 'every 2 hours at :00'],
  ['30 1-23/2 * * *', 'every 2 hours from 01:30'],
  ['0 9-17 * * *', 'every hour at :00 from 09:00 to 17:59'],
  ['0 0 1 * *', 'on the 1st at 00:00'],
  ['0 3 1,15 * *', 'on the 1st and 15th at 03:00'],
  ['0 3 22-28 * *', 'on the 22nd to the 28th at 03:00'],
  ['0 3 1 1,7 *', 'on the 1st in January and July at 03:00'],
  ['0 3 * 6-8 *', 'every day from June to August at 03:00'],
  ['0 0 13 * FRI', 'on the 13th and every Friday at 00:00'],
  ['*/10 * * * 1', 'every 10 minutes every Monday'],
])('%s is %s', (line, words) => {
  expect(tellCron(parseCron(line), 'Europe/Berlin')).toBe(`${words}, Europe/Berlin`);
});

test('a line whose lists are empty is told as what the controller makes of it', () => {
  for (const line of [', * * * *', '0 , * * *', '0 0 , * *', '0 0 * , *', '0 0 * * ,']) {
    expect(tellCron(parseCron(line), 'Europe/Berlin')).toBe('never');
  }
  expect(tellCron(parseCron('0 0 1 * ,'), 'Europe/Berlin')).toBe('on the 1st at 00:00, Europe/Berlin');
  expect(tellCron(parseCron('0 0 , * 3'), 'Europe/Berlin')).toBe('every Wednesday at 00:00, Europe/Berlin');
});
