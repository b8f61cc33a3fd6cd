// Slack's incoming webhooks, and what takes the same (Mattermost, Rocket.Chat): https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
import type { OutgoingRequest } from '../runner/ports.ts';
import type { Notification } from './notification.ts';
import { tell } from './text.ts';

/** Beyond this Slack cuts. */
const LONGEST = 4_000;

export function slackRequest(url: string, to: string, notification: Notification): OutgoingRequest {
  const [head = '', ...rest] = tell(notification).split('\n').map(escaped);
  const text = [`*${head}*`, ...rest].join('\n');
  return {
    to,
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text }),
  };
}

/** The three characters that are commands to Slack. */
const escaped = (line: string): string => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
