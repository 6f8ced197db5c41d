import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EndpointMetrics } from '../endpoint/services.ts';
import type { GroupObserver } from '../store/group-commit.ts';

const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const COMMIT_ENTRIES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** What the daemon counts. Labels are codes and verdicts, never terminals. */
export class Metrics implements EndpointMetrics, GroupObserver {
  readonly #registry = new Registry();
  readonly #results = this.#counter('results_total', 'results recorded', ['verdict', 'purpose']);
  readonly #refusals = this.#counter('refusals_total', 'connections refused', ['code']);
  readonly #noResults = this.#counter('no_results_total', 'evidence that changed no verdict', ['code']);
  readonly #failures = this.#counter('store_failures_total', 'transactions that the store did not take', []);
  readonly #seconds = this.#histogram('commit_duration_seconds', 'duration of a group commit', COMMIT_SECONDS);
  readonly #entries = this.#histogram('commit_entries', 'entries of a group commit', COMMIT_ENTRIES);

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry });
    const info = this.#gauge('info', 'the version that runs', ['version']);
    info.set({ version }, 1);
  }

  result(verdict: string, purpose: string): void {
    this.#results.inc({ verdict, purpose });
  }

  refusal(code: string): void {
    this.#refusals.inc({ code });
  }

  noResult(code: string): void {
    this.#noResults.inc({ code });
  }

  committed(entries: number, durationMs: number): void {
    this.#entries.observe(entries);
    this.#seconds.observe(durationMs / 1000);
  }

  failed(): void {
    this.#failures.inc();
  }

  /** A value that is read whenever somebody asks. */
  watch(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `mtm_verifier_${name}`,
      help,
      registers: [this.#registry],
      collect: () => {
        gauge.set(read());
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name: `mtm_verifier_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
    return new Gauge({ name: `mtm_verifier_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({ name: `mtm_verifier_${name}`, help, buckets: [...buckets], registers: [this.#registry] });
  }
}
