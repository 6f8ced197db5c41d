import {
  type HashName,
  parsePcrSelection,
  type SignatureScheme,
  selectionText,
  toHex,
  type VerifiedQuote,
} from '@mtm-attest/protocol';

/** What a quote that holds says, in plain values. */
export interface QuoteFacts {
  readonly scheme: SignatureScheme;
  readonly hash: HashName;
  /** Name of the key, where its file is a public area; hex, like all that are bytes */
  readonly keyName?: string;
  readonly qualifiedSigner: string;
  readonly extraData: string;
  /** milliseconds, as a decimal text: a u64 */
  readonly clock: string;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
  readonly firmwareVersion: string;
  readonly selection: string;
  readonly pcrDigest: string;
}

export function factsOf(quote: VerifiedQuote): Omit<QuoteFacts, 'scheme' | 'hash' | 'keyName'> {
  const { clock, resetCount, restartCount, safe } = quote.clockInfo;
  return {
    qualifiedSigner: toHex(quote.qualifiedSigner),
    extraData: toHex(quote.extraData),
    clock: clock.toString(),
    resetCount,
    restartCount,
    safe,
    firmwareVersion: quote.firmwareVersion.toString(16).padStart(16, '0'),
    selection: selectionText(parsePcrSelection(quote.selection)),
    pcrDigest: toHex(quote.pcrDigest),
  };
}
