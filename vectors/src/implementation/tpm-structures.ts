import {
  parseAttest,
  parsePcrSelection,
  parsePublic,
  parseSignature,
  writeAttest,
  writePcrSelection,
  writePublic,
  writeSignature,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import type { Parsed, TpmStructure } from './implementation.ts';

/** Reads one structure and writes it again. */
export const TPM_STRUCTURES: Readonly<Record<TpmStructure, (input: Uint8Array) => Parsed>> = {
  attest: (input) => {
    const attest = parseAttest(input);
    return { value: toPlain(attest), encoded: writeAttest(attest) };
  },
  public: (input) => {
    const area = parsePublic(input);
    return { value: toPlain(area), encoded: writePublic(area) };
  },
  signature: (input) => {
    const signature = parseSignature(input);
    return { value: toPlain(signature), encoded: writeSignature(signature) };
  },
  'pcr-selection': (input) => {
    const selection = parsePcrSelection(input);
    return { value: toPlain(selection), encoded: writePcrSelection(selection) };
  },
};
