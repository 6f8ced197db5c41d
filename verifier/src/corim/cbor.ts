import { shownText } from '@mtm-attest/protocol';
import { decode, Tagged } from 'cborg';
import { VerifierError } from '../error.ts';
import { CBOR_TAGS, checkCbor } from './cbor-walk.ts';

const OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  useMaps: true,
  tags: Tagged.preserve(...CBOR_TAGS),
};

/**
 * One data item of strict CBOR: maps as Map, tags as cborg's Tagged, integers beyond 2^53 as bigint.
 * @throws VerifierError `corim.cbor`, `corim.limit`
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  checkCbor(bytes);
  try {
    return decode(bytes, OPTIONS) as unknown;
  } catch (cause) {
    throw new VerifierError('corim.cbor', cause instanceof Error ? shownText(cause.message.slice(0, 128)) : undefined, {
      cause,
    });
  }
}
