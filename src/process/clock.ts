// Time that nobody can set back, without `performance`: that global takes 1 ms to load, of a start that is to cost 25.

/** Milliseconds since some moment in the past. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** When this process began. */
export function processStart(): Date {
  return new Date(Date.now() - process.uptime() * 1_000);
}
