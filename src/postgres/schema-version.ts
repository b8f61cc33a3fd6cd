// The newest step of the schema that this version of run-job knows; a file of its own, so that a run needn't load the steps.

export const SCHEMA_VERSION = 14;
