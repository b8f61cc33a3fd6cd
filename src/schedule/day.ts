// Days of the calendar, as texts.

/** Whether a text that begins with a date names a day that there is: JavaScript takes 30 February for 2 March. */
export function isDay(text: string): boolean {
  const day = new Date(text.slice(0, 10));
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text.slice(0, 10);
}
