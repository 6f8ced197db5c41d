/** Where the agent says what it does; whoever embeds it decides what becomes of it. No field ever holds a secret. */
export interface AgentLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const SILENT: AgentLog = {
  info: () => undefined,
  warn: () => undefined,
};
