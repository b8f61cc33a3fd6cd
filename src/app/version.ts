// The version of this build, put in by the bundler.
declare const __RUN_JOB_VERSION__: string;

export const VERSION = __RUN_JOB_VERSION__;
