import { type ProtocolCode, selectionText, toHex } from '@mtm-attest/protocol';
import type { QuoteExpectation, QuoteReading } from './quote-check.ts';
import { pcrFileFault } from './quote-pcrs.ts';

/** What was expected and what is there, for the codes where that helps an operator. */
export function differenceOf(code: ProtocolCode, expected: QuoteExpectation, read: QuoteReading): string | undefined {
  const { key, attest, pcrs } = read;
  switch (code) {
    case 'key.attributes':
      return key?.form === 'pem' ? undefined : `they are ${attributesText(key?.area.attributes ?? 0)}`;
    case 'quote.selection':
      return (
        attest &&
        `expected ${selectionText(expected.selection ?? [])}, quoted ${selectionText(attest.attested.selection)}`
      );
    case 'quote.nonce':
      return attest && `expected ${hexText(expected.qualification)}, quoted ${hexText(attest.extraData)}`;
    case 'pcr.digest': {
      if (attest === undefined || pcrs === undefined) return undefined;
      const { selection, pcrDigest } = attest.attested;
      return pcrFileFault(pcrs, expected.selection ?? selection) ?? `the values do not give ${toHex(pcrDigest)}`;
    }
    default:
      return undefined;
  }
}

function attributesText(attributes: number): string {
  return `0x${attributes.toString(16).padStart(8, '0')}`;
}

function hexText(bytes: Uint8Array | undefined): string {
  return bytes === undefined || bytes.length === 0 ? 'none' : toHex(bytes);
}
