import { AGENT_CODES, AgentError } from '../../error.ts';

/** One thing that an agent needs of its machine. */
export interface Finding {
  readonly check: string;
  /** `missing`: the agent cannot run like this; `warning`: it can, with less */
  readonly level: 'ok' | 'warning' | 'missing';
  /** stable; absent where nothing is wrong */
  readonly code?: string;
  readonly detail: string;
  /** what mends it */
  readonly next?: string;
}

export function ok(check: string, detail: string): Finding {
  return { check, level: 'ok', detail };
}

/** @throws whatever is no AgentError */
export function failed(check: string, error: unknown): Finding {
  if (!(error instanceof AgentError)) throw error;
  const { code, detail } = error;
  return { check, level: 'missing', code, detail: detail ?? '', next: AGENT_CODES[code] };
}
