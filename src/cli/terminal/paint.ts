// Colours for people: on a terminal whose owner doesn't mind them.
import { styleText } from 'node:util';
import { isTerminal } from './stdio.ts';

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim';

/** What paints a text, or leaves it as it is where there are no colours (https://no-color.org). */
export function painter(env: NodeJS.ProcessEnv): (colour: Colour | undefined, text: string) => string {
  const plain = !isTerminal(1) || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return (colour, text) => (plain || colour === undefined ? text : styleText(colour, text, { validateStream: false }));
}
