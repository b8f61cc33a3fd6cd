// Slack's incoming webhooks, and what takes the same (Mattermost, Rocket.Chat): https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
import type { OutgoingRequest } from '../runner/ports.ts';
import type { Notification } from './notification.ts';
import { tell } from './text.ts';

/** What Slack advises; it cuts at 40,000 (docs.slack.dev/changelog/2018-truncating-really-long-messages), and a phone shows less. */
const LONGEST = 4_000;

export function slackRequest(url: string, to: string, notification: Notification): OutgoingRequest {
  // Before it is escaped: half an escape would be text.
  const [head = '', ...rest] = cut(tell(notification)).split('\n').map(escaped);
  return {
    to,
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: [`*${head}*`, ...rest].join('\n') }),
  };
}

/** What is wrong with an answer of Slack's, where it says more than the status does: the list is that of its errors for incoming webhooks. */
export function slackProblem(status: number): string | undefined {
  if (status === 400) return 'it answered 400: it takes no message of this form';
  if (status === 403) return 'it answered 403: its workspace forbids this webhook';
  if (status === 404) return 'it answered 404: the webhook or its channel is gone, make another';
  if (status === 410) return 'it answered 410: the channel is archived, make a webhook for another';
  return undefined;
}

/** Without half a character at its end. */
function cut(text: string): string {
  const characters = [...text];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : text;
}

/** The three characters that are commands to Slack. */
const escaped = (line: string): string => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
