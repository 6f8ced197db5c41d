import { toHex } from '@mtm-attest/protocol';
import { VerifierError } from '../../error.ts';
import { readLeaf } from '../../ledger/append.ts';
import { numberText, readInput } from '../input.ts';
import type { ApiRoute } from '../route.ts';
import { schemaRef } from '../schemas.ts';

const place = numberText(0, Number.MAX_SAFE_INTEGER);

export const ledgerRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/ledger/{index}',
    summary: 'One leaf of the ledger: its hash, and the data that it is taken over (RFC 9162)',
    answers: { 200: { about: 'the leaf', schema: schemaRef('Leaf') } },
    problems: ['request.not-found'],
    handle: async ({ db, operator }, { path }) => {
      const index = readInput(place, path['index']);
      const leaf = await readLeaf(db, operator, index);
      if (leaf === undefined) throw new VerifierError('request.not-found', 'the ledger ends before');
      return { status: 200, body: { index, leafHash: toHex(leaf.leafHash), body: toHex(leaf.body) } };
    },
  },
];
