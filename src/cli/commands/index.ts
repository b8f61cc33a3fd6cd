// The commands that aren't jobs, in the order in which help lists them. No job can have one of these names.
import type { Commands } from '../command.ts';

export const COMMANDS: Commands = {
  exec: () => import('./exec.ts'),
  list: () => import('./list.ts'),
  history: () => import('./history.ts'),
  status: () => import('./status.ts'),
  why: () => import('./why.ts'),
  schedules: () => import('./schedules.ts'),
  show: () => import('./show.ts'),
  pause: () => import('./pause.ts'),
  resume: () => import('./resume.ts'),
  cancel: () => import('./cancel.ts'),
  rerun: () => import('./rerun.ts'),
  backfill: () => import('./backfill.ts'),
  unlock: () => import('./unlock.ts'),
  checkins: () => import('./checkins.ts'),
  notify: () => import('./notify.ts'),
  serve: () => import('./serve.ts'),
  migrate: () => import('./migrate.ts'),
  doctor: () => import('./doctor.ts'),
  inject: () => import('./inject.ts'),
  new: () => import('./new.ts'),
  completion: () => import('./completion.ts'),
  help: () => import('./help-command.ts'),
};
