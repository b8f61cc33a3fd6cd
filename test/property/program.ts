// The work as a program, for `run-job exec`.
import { PLAN_VARIABLE, work } from './work.ts';

if (JSON.parse(process.env[PLAN_VARIABLE] ?? '').way === 'ignores') process.on('SIGTERM', () => {});
await work(Number(process.env.RUN_JOB_ATTEMPT), { fence: Number(process.env.RUN_JOB_FENCE) });
