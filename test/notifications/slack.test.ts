// What Slack gets of a text that is longer than it shows.
import { expect, test } from 'vitest';
import type { Notification } from '../../src/notifications/notification.ts';
import { slackRequest } from '../../src/notifications/slack.ts';

const failed = (error: string): Notification => ({
  id: 'failed:1',
  kind: 'failed',
  name: 'nightly',
  at: new Date(0),
  error,
  command: 'run-job show 1',
});

const textOf = (error: string): string =>
  JSON.parse(slackRequest('https://slack/x', 'Slack', failed(error)).body ?? '').text;

test.for([
  ['characters of two halves', '💥'],
  ['characters that are commands to it', '<&>'],
  ['lines', 'why\n'],
] as const)('a long error of %s is cut between characters, and never within what stands for one', ([_, unit]) => {
  for (let more = 0; more < unit.length + 2; more += 1) {
    const text = textOf(`${'x'.repeat(more)}${unit.repeat(5_000)}`);
    const plain = text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    // The first line is bold.
    expect([...plain].length - 2).toBe(4_000);
    expect(plain.endsWith('…')).toBe(true);
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toMatch(/&(?!lt;|gt;|amp;)/);
  }
});

test('what it takes is sent as it is', () => {
  expect(textOf('it broke')).toBe('*nightly failed*\nit broke\nlook further: run-job show 1');
});
