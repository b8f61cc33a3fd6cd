// `run-job doctor`: checks everything that a run depends on, and says what to do about what is wrong.
import { defineCommand } from 'citty';
import { checkAlerting } from '../../app/checks/alerting.ts';
import type { Finding, Verdict } from '../../app/checks/check.ts';
import { checkJobs } from '../../app/checks/jobs.ts';
import { checkOtlp } from '../../app/checks/otlp.ts';
import { checkPostgres } from '../../app/checks/postgres.ts';
import { checkRabbitMq } from '../../app/checks/rabbitmq.ts';
import { checkVariables } from '../../app/checks/variables.ts';
import { readConfig } from '../../app/config.ts';
import { redactorFor } from '../../app/redactor.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { hang, print, printJson } from '../terminal/print.ts';

/** The major version of Node that the build is made for. */
const NODE_MAJOR = 24;

export default defineCommand({
  meta: {
    name: 'doctor',
    description: 'Check all that runs depend on; exit 78: something is misconfigured, 69: something can’t be reached',
  },
  args: {
    jobs: { type: 'string', valueHint: 'names', description: 'Check what these jobs need as well (job_a,job_b)' },
    'dry-run': { type: 'boolean', description: 'The jobs only run with --dry-run, and need no broker' },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    const names = [...new Set((args.jobs ?? '').split(','))].map((name) => name.trim()).filter(Boolean);
    const { config, problems } = readConfig(env);
    // What is invalid counts as unset in `config`, and has been told.
    const valid = (variable: string) => !problems.some((problem) => problem.startsWith(`${variable} `));
    const redact = redactorFor(env).text;
    const findings = [
      ...checkConfig(problems),
      ...checkVariables(env),
      checkNode(),
      ...(
        await Promise.all([
          valid('DATABASE_URL') ? checkPostgres(config) : [],
          valid('AMQP_URL') ? checkRabbitMq(config) : [],
          checkOtlp(env, config.connectTimeoutMs),
          ['RUN_JOB_CHECKINS', 'RUN_JOB_NOTIFY', 'RUN_JOB_MONITORS'].every(valid) ? checkAlerting(config, env) : [],
          checkJobs({
            names,
            config,
            dryRun: args['dry-run'] === true,
            search: jobSearch(data as CommandData, config),
          }),
        ])
      ).flat(),
    ].map((finding) => ({ ...finding, message: redact(finding.message) }));
    if (args.json) printJson(findings);
    else print([tellVerdict(findings), '', ...toLines(findings), ''].join('\n'));
    return exitCodeOf(findings);
  },
});

function checkConfig(problems: readonly string[]): Finding[] {
  if (problems.length === 0) return [{ check: 'config', verdict: 'ok', message: 'the environment is valid' }];
  return problems.map((message) => ({ check: 'config', verdict: 'misconfigured', message }));
}

function checkNode(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  const message = `Node ${process.versions.node}`;
  if (major >= NODE_MAJOR) return { check: 'node', verdict: 'ok', message };
  return { check: 'node', verdict: 'misconfigured', message: `${message} is too old: use Node ${NODE_MAJOR} or newer` };
}

const MARKS: Record<Verdict, string> = {
  ok: 'ok',
  skipped: 'skip',
  warning: 'WARN',
  unavailable: 'FAIL',
  misconfigured: 'FAIL',
};

function toLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.flatMap(({ check, verdict, message }) =>
    hang(`${MARKS[verdict].padEnd(4)}  ${check.padEnd(width)}  `, message),
  );
}

/** The whole in one line: whether runs can do their work, and how many of the lines below are worth reading. */
function tellVerdict(findings: readonly Finding[]): string {
  const count = (...verdicts: Verdict[]) => findings.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const failed = count('misconfigured', 'unavailable');
  const others = [
    count('warning') > 0 && `${tellCount(count('warning'), 'warning')}`,
    count('skipped') > 0 && `${count('skipped')} skipped`,
  ].filter(Boolean);
  const tail = others.length > 0 ? ` (${others.join(', ')})` : '';
  if (failed === 0) return `Ready: ${tellCount(count('ok'), 'check')} passed${tail}`;
  return `NOT READY: ${failed} of ${tellCount(findings.length, 'check')} failed${tail}; runs would end with ${exitCodeOf(findings)}`;
}

const tellCount = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What is misconfigured comes first: it stays so until somebody mends it. */
function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.some(({ verdict }) => verdict === 'misconfigured')) return EXIT.misconfigured;
  if (findings.some(({ verdict }) => verdict === 'unavailable')) return EXIT.unavailable;
  return EXIT.ok;
}
