// A stack trace as its reader wants it: the frames of the job's author first, for a library's may be twenty deep.

/** Where we are, dist/ or in a test src/: as the path that scripts have in a frame, and as in the URL that modules have. */
const FOLDER = (import.meta.url ?? '').replace(/^file:\/\//, '').replace(/\/(dist|src)\/.*$/s, '/$1/');
const OURS = [FOLDER, encodeURI(FOLDER)];
const JOBS = OURS.map((folder) => `${folder}jobs/`);

const FRAME = /^\s*at .+/;

/**
 * The same frames with the author's before those of libraries, run-job and Node, each group in its order. A trace that begins with a frame
 * of the author's, or has none, is left as it is.
 */
export function authorFirst(stack: string): string {
  const lines = stack.split('\n');
  // The message may have lines that look like frames; the frames are the lines at the end.
  const first = lines.findLastIndex((line) => !FRAME.test(line)) + 1;
  const frames = lines.slice(first);
  const isTheirs = frames.map(isAuthors);
  if (isTheirs[0] !== false || !isTheirs.includes(true)) return stack;
  return [
    ...lines.slice(0, first),
    ...frames.filter((_, index) => isTheirs[index]),
    ...frames.filter((_, index) => !isTheirs[index]),
  ].join('\n');
}

/** Whether there are frames, and none of them is anybody's but Node's. */
export function isOfNodeAlone(stack: string): boolean {
  const frames = stack.split('\n').filter((line) => FRAME.test(line));
  return frames.length > 0 && frames.every((frame) => /[( ]node:/.test(frame));
}

/**
 * The same, without frames that are all Node's and run-job's: what is left is what the trace tells beside the error's name and message, such as the
 * line of a file that can't be parsed. Undefined where that is nothing.
 */
export function withoutInner(stack: string, message: string): string | undefined {
  const lines = stack.split('\n');
  const first = lines.findLastIndex((line) => !FRAME.test(line)) + 1;
  if (lines.slice(first).some((frame) => !isInner(frame))) return stack;
  const head = lines.slice(0, first).join('\n');
  return head.slice(0, head.indexOf(message)).includes('\n') ? head : undefined;
}

/** Of Node, or of run-job but for the jobs that ship. */
const isInner = (frame: string): boolean =>
  /[( ]node:|\(native\)|<anonymous>\)?$/.test(frame) || (isIn(frame, OURS) && !isAuthors(frame));

function isAuthors(frame: string): boolean {
  if (/[( ]node:|\(native\)|<anonymous>\)?$|[/\\]node_modules[/\\]/.test(frame)) return false;
  // The jobs that ship are jobs as well.
  return !isIn(frame, OURS) || isIn(frame, JOBS);
}

const isIn = (frame: string, folders: readonly string[]): boolean =>
  FOLDER !== '' && folders.some((folder) => frame.includes(folder));
