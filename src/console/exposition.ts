// Prometheus' text format. A library for metrics counts in memory; what is told here was counted in the database, and is only written.
// https://prometheus.io/docs/instrumenting/exposition_formats/

export class Exposition {
  static readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #prefix: string;
  readonly #lines: string[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Begins a metric; all of its samples follow. */
  family(name: string, type: 'gauge' | 'counter', help: string): void {
    this.#lines.push(`# HELP ${this.#prefix}${name} ${escaped(help)}`, `# TYPE ${this.#prefix}${name} ${type}`);
  }

  /**
   * One series.
   * @param labels as `labels` gives them; several joined by commas
   * @param value absent where there is nothing to tell
   */
  sample(name: string, labels: string, value: number | undefined): void {
    if (value === undefined) return;
    this.#lines.push(`${this.#prefix}${name}${labels === '' ? '' : `{${labels}}`} ${value}`);
  }

  /** Labels as they are written. */
  labels(values: Readonly<Record<string, string>>): string {
    return Object.entries(values)
      .map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`)
      .join();
  }

  toBytes(): Buffer<ArrayBuffer> {
    return Buffer.from([...this.#lines, ''].join('\n'));
  }
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
