import * as v from 'valibot';
import { VerifierError } from '../../error.ts';
import type { Announced, Check, Course } from './judge.ts';

const at = v.number();
const id = v.string();

const event = v.variant('event', [
  v.object({
    event: v.literal('terminal'),
    id,
    operator: v.string(),
    scenario: v.string(),
    about: v.string(),
    expected: v.string(),
    before: v.nullable(v.string()),
    codes: v.array(v.string()),
    honest: v.boolean(),
    trustedAfterAttack: v.boolean(),
    settling: v.picklist(['decisions', 'deadline', 'person']),
  }),
  v.object({ event: v.literal('cast'), terminals: v.number() }),
  v.object({ event: v.literal('step'), id, name: v.string(), at }),
  v.object({ event: v.literal('attack'), id, at }),
  v.object({ event: v.literal('last-step'), id, at }),
  v.object({ event: v.literal('check'), id, name: v.string(), ok: v.boolean() }),
]);

/** One terminal and what was done to it so far. */
export interface Played {
  readonly announced: Announced;
  readonly course: Course;
}

interface Entry {
  readonly announced: Announced;
  attackAt: number | undefined;
  lastStepAt: number | undefined;
  readonly checks: Check[];
}

/** What the simulator has told, event by event. */
export class FleetEvents {
  readonly #entries = new Map<string, Entry>();
  #complete = false;

  /** True once every terminal was announced. */
  get complete(): boolean {
    return this.#complete;
  }

  get played(): readonly Played[] {
    return [...this.#entries.values()].map(({ announced, attackAt, lastStepAt, checks }) => ({
      announced,
      course: { attackAt, lastStepAt, checks },
    }));
  }

  /** @param line one JSON document @throws VerifierError `demo.events` for a line that is no event */
  take(line: string): void {
    const read = v.safeParse(event, parse(line));
    if (!read.success) throw new VerifierError('demo.events', line.slice(0, 200));
    const told = read.output;
    if (told.event === 'cast') {
      this.#complete = true;
    } else if (told.event === 'terminal') {
      this.#entries.set(told.id, { announced: told, attackAt: undefined, lastStepAt: undefined, checks: [] });
    } else {
      this.#happened(told);
    }
  }

  #happened(told: Exclude<v.InferOutput<typeof event>, { event: 'cast' | 'terminal' }>): void {
    const entry = this.#entries.get(told.id);
    if (entry === undefined) throw new VerifierError('demo.events', `${told.id} was never announced`);
    if (told.event === 'attack') entry.attackAt ??= told.at;
    if (told.event === 'last-step') entry.lastStepAt = told.at;
    if (told.event === 'check') entry.checks.push({ name: told.name, ok: told.ok });
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
