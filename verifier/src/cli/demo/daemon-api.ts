import { Agent } from 'node:https';
import * as v from 'valibot';
import { VerifierError } from '../../error.ts';
import { type ApiAccess, exchange } from '../https-exchange.ts';
import type { Decision, Observed } from './judge.ts';

const reason = v.object({ code: v.string(), detail: v.string() });
const terminal = v.object({ terminal: v.string(), verdict: v.string(), reasons: v.array(reason) });
const terminalPage = v.object({ terminals: v.array(terminal), next: v.nullable(v.string()) });
const decision = v.object({
  at: v.number(),
  verdict: v.string(),
  code: v.nullable(v.string()),
  challengedAt: v.optional(v.number()),
  ledgerIndex: v.optional(v.number()),
});
const historyPage = v.object({ history: v.array(decision), next: v.nullable(v.string()) });

type StoredDecision = v.InferOutput<typeof decision>;

const TIMEOUT_MS = 20_000;
const CONNECTIONS = 4;
const PAGE = 1000;

/** The daemon as anybody sees it who has the API token: verdicts, reasons, histories. */
export class DaemonApi {
  readonly #access: ApiAccess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #histories = new Map<string, readonly StoredDecision[]>();

  constructor(access: ApiAccess) {
    this.#access = access;
  }

  /** Every terminal with its verdict now and its history so far, by id. @throws VerifierError `api.unreachable` */
  async observe(): Promise<ReadonlyMap<string, Observed>> {
    const seen: [string, Observed][] = [];
    let cursor: string | null = null;
    do {
      const page: v.InferOutput<typeof terminalPage> = await this.#page('/v1/terminals', terminalPage, cursor);
      const observed = page.terminals.map(async ({ terminal: id, verdict, reasons }): Promise<[string, Observed]> => {
        return [id, { verdict, reasons, history: await this.#history(id) }];
      });
      seen.push(...(await Promise.all(observed)));
      cursor = page.next;
    } while (cursor !== null);
    return new Map(seen);
  }

  /** Nothing known of histories is used for the next look. */
  forget(): void {
    this.#histories.clear();
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Only what came after the newest result known is asked for: what is older does not change. */
  async #history(id: string): Promise<readonly Decision[]> {
    const before = this.#histories.get(id) ?? [];
    const newest = before.findLastIndex(({ ledgerIndex }) => ledgerIndex !== undefined);
    const history = before.slice(0, newest + 1);
    const last = history.at(-1);
    let cursor = last === undefined ? null : `${last.at}.0.${last.ledgerIndex ?? 0}`;
    do {
      const page: v.InferOutput<typeof historyPage> = await this.#page(
        `/v1/terminals/${id}/history`,
        historyPage,
        cursor,
      );
      history.push(...page.history);
      cursor = page.next;
    } while (cursor !== null);
    this.#histories.set(id, history);
    return history;
  }

  async #page<T>(path: string, form: v.GenericSchema<unknown, T>, cursor: string | null): Promise<T> {
    const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const read = v.safeParse(form, await this.#get(`${path}?limit=${PAGE}${after}`));
    if (!read.success) throw new VerifierError('api.unreachable', `${path}: an answer of another form`);
    return read.output;
  }

  async #get(path: string): Promise<unknown> {
    const unreachable = (cause: unknown): Error => new VerifierError('api.unreachable', path, { cause });
    const { status, body } = await exchange(this.#access, path, {
      agent: this.#agent,
      timeoutMs: TIMEOUT_MS,
      unreachable,
    });
    if (status !== 200) throw unreachable(status);
    return body;
  }
}
