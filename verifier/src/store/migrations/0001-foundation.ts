import type { Migration } from '../migrate.ts';

/** `{blob}` is the one word that differs between engines. */
export const foundation: Migration = {
  id: '0001-foundation',
  statements: [
    `CREATE TABLE tokens (
      operator TEXT NOT NULL, secret_hash {blob} NOT NULL, terminal TEXT NOT NULL, class TEXT NOT NULL, model TEXT NOT NULL,
      created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, consumed_at BIGINT, ak_name {blob}, session_key {blob},
      PRIMARY KEY (operator, secret_hash))`,
    `CREATE TABLE terminals (
      operator TEXT NOT NULL, terminal TEXT NOT NULL, class TEXT NOT NULL, model TEXT NOT NULL,
      ak_public {blob} NOT NULL, ak_name {blob} NOT NULL, qualified_name {blob} NOT NULL, session_key {blob} NOT NULL,
      enrolled_at BIGINT NOT NULL, admission TEXT NOT NULL, session BIGINT NOT NULL, version BIGINT NOT NULL,
      last_seen_at BIGINT NOT NULL, last_affirmed_at BIGINT, pending_at BIGINT, next_audit_at BIGINT NOT NULL,
      late_code TEXT, condemned TEXT, unknown_code TEXT, info TEXT NOT NULL, last_verdict TEXT, last_code TEXT,
      reset_count BIGINT, restart_count BIGINT, clock TEXT, safe INTEGER, event_count BIGINT, pcrs {blob},
      audit_counter TEXT, release BIGINT, list_digest {blob},
      PRIMARY KEY (operator, terminal))`,
    `CREATE TABLE ledger (
      operator TEXT NOT NULL, sequence BIGINT NOT NULL, leaf_hash {blob} NOT NULL,
      PRIMARY KEY (operator, sequence))`,
    `CREATE TABLE results (
      operator TEXT NOT NULL, ledger_index BIGINT NOT NULL, terminal TEXT NOT NULL, at BIGINT NOT NULL,
      challenged_at BIGINT NOT NULL, purpose TEXT NOT NULL, verdict TEXT NOT NULL, codes TEXT NOT NULL,
      explanation TEXT, body {blob} NOT NULL,
      PRIMARY KEY (operator, ledger_index))`,
    'CREATE INDEX results_by_terminal ON results (operator, terminal, at, ledger_index)',
    `CREATE TABLE verdict_changes (
      operator TEXT NOT NULL, terminal TEXT NOT NULL, at BIGINT NOT NULL, sequence BIGINT NOT NULL,
      verdict TEXT NOT NULL, code TEXT,
      PRIMARY KEY (operator, terminal, at, sequence))`,
    `CREATE TABLE alarms (
      operator TEXT NOT NULL, sequence BIGINT NOT NULL, at BIGINT NOT NULL, last_at BIGINT NOT NULL, count BIGINT NOT NULL,
      terminal TEXT, code TEXT NOT NULL, detail TEXT NOT NULL,
      PRIMARY KEY (operator, sequence))`,
    'CREATE INDEX alarms_by_terminal ON alarms (operator, terminal, code, sequence)',
    `CREATE TABLE manifests (
      operator TEXT NOT NULL, issuer TEXT NOT NULL, model TEXT NOT NULL, sequence BIGINT NOT NULL, minimum BIGINT NOT NULL,
      body {blob} NOT NULL, loaded_at BIGINT NOT NULL,
      PRIMARY KEY (operator, issuer, model, sequence))`,
    `CREATE TABLE component_lists (
      operator TEXT NOT NULL, digest {blob} NOT NULL, body {blob} NOT NULL,
      PRIMARY KEY (operator, digest))`,
    `CREATE TABLE meta (
      operator TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (operator, key))`,
  ],
};
