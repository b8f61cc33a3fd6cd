// What a file of V8's code holds: for the loader that takes it, and for the build that makes it.

/**
 * What it ends with, after V8's code and the source that the code was made from. V8 itself compares its version, its flags and its snapshot,
 * and of the source no more than the length.
 */
export const CODE_CACHE_END: string = `${process.version} ${process.arch}\n`;
