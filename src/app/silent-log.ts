// A log that says nothing, for those who tell the whole of it themselves.
import type { Logger } from '../job.ts';

export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
