/**
 * The rows as they are stored, once. Every key begins with the operator. Only TEXT, BIGINT (safe integers), INTEGER and blobs are used,
 * so that one set of queries serves every engine: flags are 0 or 1, lists are JSON texts, unsigned 64-bit values are decimal texts.
 * Times are wall-clock milliseconds since 1970.
 */
export interface Tables {
  readonly tokens: TokensTable;
  readonly terminals: TerminalsTable;
  readonly former_keys: FormerKeysTable;
  readonly results: ResultsTable;
  readonly ledger: LedgerTable;
  readonly verdict_changes: VerdictChangesTable;
  readonly alarms: AlarmsTable;
  readonly manifests: ManifestsTable;
  readonly component_lists: ComponentListsTable;
  readonly meta: MetaTable;
}

/** Enrolment tokens; key (operator, secret_hash). */
export interface TokensTable {
  operator: string;
  /** SHA-256 of the 32 secret bytes */
  secret_hash: Uint8Array;
  terminal: string;
  class: string;
  model: string;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
  /** of the enrolment that consumed it */
  ak_name: Uint8Array | null;
  /** of the enrolment that consumed it, SubjectPublicKeyInfo (DER) */
  session_key: Uint8Array | null;
}

/** What was accepted of a terminal's present boot: all null, or all set but for what versions before did not keep. */
export interface AcceptedColumns {
  reset_count: number | null;
  restart_count: number | null;
  /** u64 */
  clock: string | null;
  safe: 0 | 1 | null;
  event_count: number | null;
  /** 768 bytes */
  pcrs: Uint8Array | null;
  /** u64 */
  audit_counter: string | null;
  release: number | null;
  /** 32 bytes */
  list_digest: Uint8Array | null;
  /** 32 bytes; null where a version wrote it that did not keep it */
  reference_digest: Uint8Array | null;
  /** entries of the IMA list accepted; null as above */
  ima_count: number | null;
  /** entries of the IMA list seen; null as above */
  ima_seen: number | null;
}

/** Enrolled terminals with what was accepted of them; key (operator, terminal). */
export interface TerminalsTable extends AcceptedColumns {
  operator: string;
  terminal: string;
  class: string;
  model: string;
  /** TPMT_PUBLIC */
  ak_public: Uint8Array;
  ak_name: Uint8Array;
  qualified_name: Uint8Array;
  /** SubjectPublicKeyInfo (DER) */
  session_key: Uint8Array;
  /** null where the class proves none; no two terminals of an operator have the same */
  ek_name: Uint8Array | null;
  enrolled_at: number;
  admission: 'enrolled' | 'admitted' | 'suspended';
  session: number;
  version: number;
  last_seen_at: number;
  last_affirmed_at: number | null;
  pending_at: number | null;
  /** JSON BootIdentity */
  announced_boot: string | null;
  next_audit_at: number;
  late_code: 'challenge.expired' | 'challenge.not-open' | null;
  /** JSON Condemnation */
  condemned: string | null;
  unknown_code: string | null;
  /** JSON array of reason codes */
  info: string;
  /** the verdict last recorded, by a result or by a verdict change */
  last_verdict: string | null;
  last_code: string | null;
}

/** What was accepted under an AK that another one replaced: floors belong to an AK. Key (operator, terminal, ak_name). */
export interface FormerKeysTable extends AcceptedColumns {
  operator: string;
  terminal: string;
  ak_name: Uint8Array;
  replaced_at: number;
  /** JSON Condemnation */
  condemned: string | null;
}

/** Appraisal results; key (operator, ledger_index). */
export interface ResultsTable {
  operator: string;
  ledger_index: number;
  terminal: string;
  at: number;
  challenged_at: number;
  purpose: string;
  verdict: string;
  /** JSON array of reason codes */
  codes: string;
  /** JSON array of Explained; null where there is nothing to explain */
  explanation: string | null;
  /** the leaf's data, as hashed */
  body: Uint8Array;
}

/** One Merkle log per operator; key (operator, sequence), from 0 without gaps. */
export interface LedgerTable {
  operator: string;
  sequence: number;
  /** RFC 9162 leaf hash, 32 bytes */
  leaf_hash: Uint8Array;
}

/** Verdicts that changed with time alone; key (operator, terminal, at, sequence). */
export interface VerdictChangesTable {
  operator: string;
  terminal: string;
  at: number;
  sequence: number;
  verdict: string;
  code: string | null;
}

/** What the operator must be told; key (operator, sequence). Repetitions within a short time are counted in one row. */
export interface AlarmsTable {
  operator: string;
  sequence: number;
  at: number;
  last_at: number;
  count: number;
  terminal: string | null;
  code: string;
  detail: string;
}

/** Accepted manifests; key (operator, issuer, model, sequence). */
export interface ManifestsTable {
  operator: string;
  issuer: string;
  model: string;
  sequence: number;
  minimum: number;
  /** the signed manifest as received */
  body: Uint8Array;
  loaded_at: number;
}

/** Component lists that matched their Reference Values; key (operator, digest). */
export interface ComponentListsTable {
  operator: string;
  /** SHA-256 of body */
  digest: Uint8Array;
  body: Uint8Array;
}

/** Single values; key (operator, key). */
export interface MetaTable {
  operator: string;
  key: 'heartbeat' | 'outage' | 'referenceRevision';
  value: string;
}
