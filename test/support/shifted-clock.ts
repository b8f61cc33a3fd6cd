// A machine whose clock is wrong: what a process takes for now is so much later than it is.

/** The environment of such a process. */
export const shiftedClock = (byMs: number): { readonly NODE_OPTIONS: string } => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `const Real = Date; globalThis.Date = class extends Real { constructor(...a) { a.length ? super(...a) : super(Real.now() + ${byMs}); } static now() { return Real.now() + ${byMs}; } };`,
  )}`,
});
