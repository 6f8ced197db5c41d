import { fromHex, nameOf, parseSelectionText, publicArea, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import * as v from 'valibot';
import { checkQuote, type QuoteFails, type QuoteHolds } from '../../src/tpm2-tools/quote-check.ts';
import type { Folder } from './folder.ts';

const facts = v.strictObject({
  scheme: v.string(),
  hash: v.string(),
  qualifiedSigner: v.string(),
  clock: v.number(),
  resetCount: v.number(),
  restartCount: v.number(),
  safe: v.picklist([0, 1]),
  firmwareVersion: v.string(),
  pcrDigest: v.string(),
  selection: v.string(),
});

export const quoteCase = v.object({
  id: v.string(),
  public: v.string(),
  message: v.string(),
  signature: v.string(),
  pcrs: v.optional(v.string()),
  selection: v.optional(v.string()),
  qualification: v.optional(v.string()),
  expected: v.picklist(['accept', 'reject']),
  facts: v.optional(facts),
});

export const nameCase = v.object({ id: v.string(), public: v.string(), name: v.string() });

type QuoteCase = v.InferOutput<typeof quoteCase>;

/** @returns why a quote did not come out as expected */
export function quoteFault(one: QuoteCase, folder: Folder): string | undefined {
  const { selection, qualification, pcrs } = one;
  const files = {
    public: folder.read(one.public),
    message: folder.read(one.message),
    signature: folder.read(one.signature),
    ...(pcrs === undefined ? {} : { pcrs: folder.read(pcrs) }),
  };
  const checked = checkQuote(files, {
    ...(selection === undefined ? {} : { selection: parseSelectionText(selection) }),
    ...(qualification === undefined ? {} : { qualification: fromHex(qualification) }),
  });
  if (!checked.ok) return one.expected === 'reject' ? undefined : `rejected: ${checked.code} ${checked.detail ?? ''}`;
  return one.expected === 'accept' ? factsFault(one, checked) : 'accepted';
}

function factsFault({ facts: wanted }: QuoteCase, checked: QuoteHolds | QuoteFails): string | undefined {
  if (!checked.ok || wanted === undefined) return undefined;
  const found = { ...checked.quote, clock: Number(checked.quote.clock), safe: checked.quote.safe ? 1 : 0 };
  const wrong = Object.entries(wanted).filter(([key, value]) => found[key as keyof typeof wanted] !== value);
  return wrong.length === 0 ? undefined : `other facts: ${wrong.map(([key]) => key).join(', ')}`;
}

/** @returns why a key's Name did not come out as expected */
export function nameFault(one: v.InferOutput<typeof nameCase>, folder: Folder): string | undefined {
  const found = toHex(nameOf(publicArea(folder.read(one.public)), nodeCrypto));
  return found === one.name ? undefined : `the Name is ${found}, not ${one.name}`;
}
