import type { TerminalRecord } from '../../src/endpoint/terminal-record.ts';
import { NOW } from './appraisal.ts';
import { MODEL } from './firmware.ts';
import type { TestTerminal } from './terminal.ts';

/** The row of a terminal that was just enrolled. */
export function recordOf(terminal: TestTerminal, changes: Partial<TerminalRecord> = {}): TerminalRecord {
  return {
    terminal: terminal.id,
    class: 'simulated',
    model: MODEL,
    akPublic: terminal.ak.akPublic(),
    akName: terminal.akName,
    qualifiedName: terminal.qualifiedName,
    sessionKey: terminal.session.spki(),
    ekName: undefined,
    enrolledAt: NOW - 10_000,
    admission: 'enrolled',
    session: 1,
    version: 1,
    nextAuditAt: NOW,
    accepted: undefined,
    announcedBoot: undefined,
    condemned: undefined,
    unknownCode: undefined,
    lastSeenAt: NOW - 100,
    lastAffirmedAt: undefined,
    pendingAt: undefined,
    lateCode: undefined,
    info: [],
    ...changes,
  };
}
