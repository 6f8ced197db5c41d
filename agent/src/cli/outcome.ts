import { ProtocolError } from '@mtm-attest/protocol';
import { AGENT_CODES, type AgentCode, AgentError } from '../error.ts';
import type { ExitCode } from './subcommand.ts';

/** Checked and found bad; everything else that fails is the environment's or the options' fault. */
const REJECTED: ReadonlySet<AgentCode> = new Set([
  'state.tampered',
  'state.version',
  'state.rolled-back',
  'state.run-ahead',
  'state.missing',
  'state.counter-missing',
  'platform.bank',
  'platform.counter-missing',
  'platform.other-tpm',
  'log.diverged',
  'slot.manifest',
  'device-key.malformed',
  'session.root',
  'session.audience',
  'session.binding',
  'session.refused',
]);

/** One JSON document, or lines for people. */
export function tell(json: boolean, document: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : `${text}\n`);
}

/** Tells what went wrong, on standard error or as the one JSON document. @returns the exit code */
export function tellFailure(error: unknown, json: boolean): ExitCode {
  const { code, detail, exit } = describe(error);
  const said = detail === undefined ? '' : ` (${detail})`;
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, code, detail, next: nextOf(code) })}\n`);
  else process.stderr.write(`${code}: ${nextOf(code)}${said}\n`);
  return exit;
}

function describe(error: unknown): {
  readonly code: string;
  readonly detail: string | undefined;
  readonly exit: ExitCode;
} {
  if (error instanceof AgentError) {
    return { code: error.code, detail: error.detail, exit: REJECTED.has(error.code) ? 1 : 2 };
  }
  if (error instanceof ProtocolError) return { code: error.code, detail: error.message, exit: 1 };
  return { code: 'agent.malfunction', detail: error instanceof Error ? error.message : String(error), exit: 2 };
}

function nextOf(code: string): string {
  return Object.hasOwn(AGENT_CODES, code) ? AGENT_CODES[code as AgentCode] : 'the input does not hold';
}
