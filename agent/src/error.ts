/** Every failure of the agent that an operator can act on: `area.reason`, and what to do next. */
export const AGENT_CODES = {
  'state.tampered': 'the state file does not open under its device key: restore the right key file, or enrol this terminal anew in a new directory',
} as const;

export type AgentCode = keyof typeof AGENT_CODES;

/** A broken environment or a refused request, by code. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentCode;
  readonly detail: string | undefined;

  constructor(code: AgentCode, detail?: string, options?: ErrorOptions) {
    super(`${code}: ${AGENT_CODES[code]}${detail === undefined ? '' : ` (${detail})`}`, options);
    this.code = code;
    this.detail = detail;
  }
}
