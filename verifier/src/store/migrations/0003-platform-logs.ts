import type { Migration } from '../migrate.ts';

/** How far the IMA list of a boot was accepted, and how much of it was seen. */
export const platformLogs: Migration = {
  id: '0003-platform-logs',
  statements: [
    'ALTER TABLE terminals ADD COLUMN ima_count BIGINT',
    'ALTER TABLE terminals ADD COLUMN ima_seen BIGINT',
    'ALTER TABLE former_keys ADD COLUMN ima_count BIGINT',
    'ALTER TABLE former_keys ADD COLUMN ima_seen BIGINT',
  ],
};
