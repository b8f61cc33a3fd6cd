// A number with what it counts, as a sentence has it.

/** `1 row is due`, `2 rows are due`. */
export const counted = (number: number, one: string, several: string): string =>
  `${number} ${number === 1 ? one : several}`;
