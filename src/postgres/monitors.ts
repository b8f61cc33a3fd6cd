// What was written to the monitors of services outside: run_job.monitors.
import { toJson } from './json.ts';
import type { Queries } from './queries.ts';

/** Settings of a monitor by their names. */
type Settings = Readonly<Record<string, string | number | readonly string[]>>;

/** What was written to a monitor the last time. */
export interface WrittenMonitor {
  /** By which the service knows it. */
  readonly monitor: string;
  readonly name: string;
  readonly asked: Settings;
  readonly told: Settings;
}

/** All of a service's that were ever written, by their ids. */
export async function writtenMonitors(connection: Queries, service: string): Promise<Map<string, WrittenMonitor>> {
  const { rows } = await connection.query<WrittenMonitor>(
    'SELECT monitor, name, asked, told FROM run_job.monitors WHERE service = $1',
    [service],
  );
  return new Map(rows.map((row) => [row.monitor, row]));
}

/** Writes down what a monitor was asked to be, and what the service has made of it. */
export async function rememberMonitor(
  connection: Queries,
  service: string,
  { monitor, name, asked, told }: WrittenMonitor,
): Promise<void> {
  await connection.query(
    `INSERT INTO run_job.monitors (service, monitor, name, asked, told) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (service, monitor) DO UPDATE
     SET name = excluded.name, asked = excluded.asked, told = excluded.told, written_at = now()
     WHERE (monitors.name, monitors.asked, monitors.told) IS DISTINCT FROM (excluded.name, excluded.asked, excluded.told)`,
    [service, monitor, name, toJson(asked), toJson(told)],
  );
}
