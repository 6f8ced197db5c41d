import type { Migration } from '../migrate.ts';

/** What was appraised against which Reference Values, and what was accepted under an AK that was replaced. */
export const floors: Migration = {
  id: '0002-floors',
  statements: [
    'ALTER TABLE terminals ADD COLUMN reference_digest {blob}',
    'ALTER TABLE terminals ADD COLUMN announced_boot TEXT',
    'CREATE INDEX terminals_by_ak ON terminals (operator, ak_name)',
    `CREATE TABLE former_keys (
      operator TEXT NOT NULL, terminal TEXT NOT NULL, ak_name {blob} NOT NULL, replaced_at BIGINT NOT NULL, condemned TEXT,
      reset_count BIGINT, restart_count BIGINT, clock TEXT, safe INTEGER, event_count BIGINT, pcrs {blob},
      audit_counter TEXT, release BIGINT, list_digest {blob}, reference_digest {blob},
      PRIMARY KEY (operator, terminal, ak_name))`,
    'CREATE INDEX former_keys_by_ak ON former_keys (operator, ak_name)',
  ],
};
