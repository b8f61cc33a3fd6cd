// node:crypto, loaded when it is first needed: it takes 6 ms, in which a server that has been called already makes ready to answer.

export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');
