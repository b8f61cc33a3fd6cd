// Whatever runs a statement: a connection of one's own, or the one that a run has.
import type { QueryResultRow } from 'pg';

export interface Queries {
  query<Row extends QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>;
}
