import { equalBytes } from '@mtm-attest/protocol';
import type { Selectable } from 'kysely';
import type { EnrolmentChange, EnrolmentOutcome } from '../endpoint/services.ts';
import { raiseAlarm } from './alarms.ts';
import { condemnationColumn } from './json-column.ts';
import type { Database } from './open.ts';
import type { AcceptedColumns, TerminalsTable, TokensTable } from './tables.ts';
import { acceptedColumns, writeAccepted } from './terminal-row.ts';

type TokenRow = Selectable<TokensTable>;
type TerminalRow = Selectable<TerminalsTable>;

/**
 * Consumes a token and writes the enrolment. Everything happens in the caller's transaction: a token is never used without its
 * enrolment, and no enrolment is written without its token.
 *
 * `enrolled` is also the answer to the same token with the same AK, session key and endorsement key once more; nothing is written then.
 * `token-reused`: a used token came with another AK; an alarm is raised and the terminal is unknown until a person resolves it.
 * `refused`: the endorsement key is that of another terminal; an alarm is raised, and the token is still there.
 * `same-ak`: a break of identity is not healed by enrolling the same AK anew, nor by another one in between.
 * `ak-in-use`: the AK is, or was, another terminal's; an alarm is raised. One TrE has one name, and its floors and its break go with it.
 */
export async function consumeToken(
  tx: Database,
  operator: string,
  change: EnrolmentChange,
  now: number,
): Promise<EnrolmentOutcome> {
  const token = await tx
    .selectFrom('tokens')
    .selectAll()
    .where('operator', '=', operator)
    .where('secret_hash', '=', change.secretHash)
    .executeTakeFirst();
  if (token === undefined || token.terminal !== change.terminal) return 'token-invalid';
  const terminal = await tx
    .selectFrom('terminals')
    .selectAll()
    .where('operator', '=', operator)
    .where('terminal', '=', change.terminal)
    .executeTakeFirst();
  if (token.consumed_at !== null) return await presentedAgain(tx, token, terminal, change, now);
  if (now > token.expires_at) return 'token-invalid';
  if (await isEkOfAnother(tx, operator, change, now)) return 'refused';
  const holder = await otherHolder(tx, operator, change);
  if (holder !== undefined) {
    const detail = `the attestation key of ${holder} was presented for ${change.terminal}`;
    await raiseAlarm(tx, operator, { code: 'enrolment.ak-in-use', terminal: change.terminal, detail, at: now });
    return 'ak-in-use';
  }
  const known = await knownOfAk(tx, terminal, change.akName);
  if (known !== undefined && awaitsNewAk(known)) return 'same-ak';
  await tx
    .updateTable('tokens')
    .set({ consumed_at: now, ak_name: change.akName, session_key: change.sessionKey })
    .where('operator', '=', operator)
    .where('secret_hash', '=', change.secretHash)
    .execute();
  if (terminal !== undefined && !equalBytes(terminal.ak_name, change.akName)) await keepFormerKey(tx, terminal, now);
  await writeEnrolment(tx, token, terminal, change, now, known);
  return 'enrolled';
}

/** Another terminal that has this AK, or had it. */
async function otherHolder(
  tx: Database,
  operator: string,
  { akName, terminal }: EnrolmentChange,
): Promise<string | undefined> {
  for (const table of ['terminals', 'former_keys'] as const) {
    const row = await tx
      .selectFrom(table)
      .select('terminal')
      .where('operator', '=', operator)
      .where('ak_name', '=', akName)
      .where('terminal', '!=', terminal)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return row.terminal;
  }
  return undefined;
}

/** A break of identity ends with a new AK alone. */
function awaitsNewAk({ condemned }: KnownOfAk): boolean {
  return condemned !== null && condemnationColumn.read(condemned).endsBy === 'enrolment';
}

/** A used token: its own holder gets the same answer, everybody else is a reuse while the token would still be valid. */
async function presentedAgain(
  tx: Database,
  token: TokenRow,
  terminal: TerminalRow | undefined,
  change: EnrolmentChange,
  now: number,
): Promise<EnrolmentOutcome> {
  const { ak_name: akName, session_key: sessionKey } = token;
  if (akName === null || sessionKey === null || terminal === undefined) return 'token-invalid';
  if (equalBytes(akName, change.akName)) {
    const present = equalBytes(terminal.ak_name, akName) && equalBytes(terminal.session_key, sessionKey);
    const same = equalBytes(sessionKey, change.sessionKey) && isSame(terminal.ek_name ?? undefined, change.ekName);
    return present && same ? 'enrolled' : 'token-invalid';
  }
  if (now > token.expires_at) return 'token-invalid';
  await tx
    .updateTable('terminals')
    .set((eb) => ({ unknown_code: 'enrolment.token-reused', version: eb('version', '+', 1) }))
    .where('operator', '=', token.operator)
    .where('terminal', '=', token.terminal)
    .execute();
  const detail = 'a used enrolment token was presented with another attestation key';
  await raiseAlarm(tx, token.operator, { code: 'enrolment.token-reused', terminal: token.terminal, detail, at: now });
  return 'token-reused';
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** One TPM, or a copy of its state, is one terminal: under a second name it would hide what the first has done (F-07). */
async function isEkOfAnother(
  tx: Database,
  operator: string,
  { terminal, ekName }: EnrolmentChange,
  now: number,
): Promise<boolean> {
  if (ekName === undefined) return false;
  const other = await tx
    .selectFrom('terminals')
    .select('terminal')
    .where('operator', '=', operator)
    .where('ek_name', '=', ekName)
    .where('terminal', '!=', terminal)
    .executeTakeFirst();
  if (other === undefined) return false;
  const detail = `its endorsement key is enrolled as ${other.terminal}`;
  await raiseAlarm(tx, operator, { code: 'enrolment.ek-reused', terminal, detail, at: now });
  return true;
}

/** Nothing was appraised under this enrolment yet, whatever is known of its AK. */
const UNAPPRAISED = {
  last_affirmed_at: null,
  pending_at: null,
  announced_boot: null,
  late_code: null,
  info: '[]',
} as const;

async function writeEnrolment(
  tx: Database,
  token: TokenRow,
  before: TerminalRow | undefined,
  change: EnrolmentChange,
  now: number,
  known: KnownOfAk | undefined,
): Promise<void> {
  const { operator, terminal } = token;
  const enrolment = {
    class: token.class,
    model: token.model,
    ak_public: change.akPublic,
    ak_name: change.akName,
    qualified_name: change.qualifiedName,
    session_key: change.sessionKey,
    ek_name: change.ekName ?? null,
    enrolled_at: now,
    admission: 'enrolled' as const,
    last_seen_at: now,
    next_audit_at: now,
    ...UNAPPRAISED,
    condemned: known?.condemned ?? null,
    ...(known === undefined ? writeAccepted(undefined) : acceptedColumns(known)),
  };
  if (before === undefined) {
    const recorded = { session: 0, version: 0, unknown_code: null, last_verdict: null, last_code: null };
    const row: TerminalsTable = { operator, terminal, ...enrolment, ...recorded };
    await tx.insertInto('terminals').values(row).execute();
    return;
  }
  await tx
    .updateTable('terminals')
    .set((eb) => ({
      ...enrolment,
      // the same AK does not answer for a person what a reused token asked
      unknown_code: equalBytes(before.ak_name, change.akName) ? before.unknown_code : null,
      session: eb('session', '+', 1),
      version: eb('version', '+', 1),
    }))
    .where('operator', '=', operator)
    .where('terminal', '=', terminal)
    .execute();
}

/** What was accepted and found under an AK. */
type KnownOfAk = AcceptedColumns & Pick<TerminalRow, 'condemned'>;

/** Floors belong to an AK, the present one or one that another replaced (F-23). */
async function knownOfAk(
  tx: Database,
  terminal: TerminalRow | undefined,
  akName: Uint8Array,
): Promise<KnownOfAk | undefined> {
  if (terminal === undefined) return undefined;
  if (equalBytes(terminal.ak_name, akName)) return terminal;
  return await tx
    .selectFrom('former_keys')
    .selectAll()
    .where('operator', '=', terminal.operator)
    .where('terminal', '=', terminal.terminal)
    .where('ak_name', '=', akName)
    .executeTakeFirst();
}

/** An AK that is replaced keeps its floors and its condemnation, for the day it comes back. */
async function keepFormerKey(tx: Database, row: TerminalRow, now: number): Promise<void> {
  const { operator, terminal, ak_name, condemned } = row;
  const kept = { replaced_at: now, condemned, ...acceptedColumns(row) };
  await tx
    .insertInto('former_keys')
    .values({ operator, terminal, ak_name, ...kept })
    .onConflict((conflict) => conflict.columns(['operator', 'terminal', 'ak_name']).doUpdateSet(kept))
    .execute();
}
