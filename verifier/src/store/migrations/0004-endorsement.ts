import type { Migration } from '../migrate.ts';

/** By which endorsement key a terminal was enrolled: one TPM is one terminal of an operator. */
export const endorsement: Migration = {
  id: '0004-endorsement',
  statements: [
    'ALTER TABLE terminals ADD COLUMN ek_name {blob}',
    'CREATE UNIQUE INDEX terminals_by_ek ON terminals (operator, ek_name)',
  ],
};
