import { type QuoteContext, qualifyingData, utf8 } from '@mtm-attest/protocol';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';
import { EcdsaKey, SoftAk, sha256 } from './keys.ts';

const NOTES = {
  Replay: note('REPLAY', 'a quote made for another challenge is taken', 'F-01'),
  Relay: note('RELAY', 'a quote made for another connection is taken', 'F-03'),
  Purpose: note('CONFUSION', 'a quote made for one purpose passes for another', 'F-05'),
  Identity: note('IDENTITY', 'a quote of another terminal, compartment or key is taken', 'F-04', 'F-08', 'F-82'),
  Epoch: note('ROLLBACK', 'a quote for a former owner is taken'),
  Claims: note('VERIFICATION', 'claims that the quote does not cover are believed'),
  Ambiguity: note('CONCATENATION', 'two contexts have one digest', 'F-67'),
};

const KEY = new EcdsaKey('qualifying data, key to bind');

const CONTEXT: QuoteContext = {
  purpose: 'runtime',
  challengeDigest: sha256(utf8('challenge')),
  binding: { type: 'tls-exporter', value: fill(32, 0xee) },
  audience: 'operator-1',
  terminal: 'terminal-1',
  compartment: 'mrtm',
  ownershipEpoch: 1n,
  akName: new SoftAk('qualifying data').akName,
  claimsDigest: sha256(utf8('claims')),
  keyToBind: undefined,
};

const BOUND: QuoteContext = { ...CONTEXT, purpose: 'enrol', keyToBind: KEY.spki };

type Change = Partial<QuoteContext>;

/** The digest is that of a context with one difference. */
const DIFFERENCES: readonly (readonly [comment: string, flag: keyof typeof NOTES, change: Change])[] = [
  ['another challenge', 'Replay', { challengeDigest: sha256(utf8('challenge 2')) }],
  ['another connection', 'Relay', { binding: { type: 'tls-exporter', value: fill(32, 0xef) } }],
  ['another type of binding', 'Relay', { binding: { type: 'tls-server-end-point', value: fill(32, 0xee) } }],
  ['no binding', 'Relay', { binding: { type: 'none', value: new Uint8Array() } }],
  ['another verifier', 'Relay', { audience: 'operator-2' }],
  ['made for enrolment', 'Purpose', { purpose: 'enrol' }],
  ['made at the gate', 'Purpose', { purpose: 'gate' }],
  ['made as a receipt', 'Purpose', { purpose: 'receipt' }],
  ['made for a transfer', 'Purpose', { purpose: 'transfer' }],
  ['made for an alarm', 'Purpose', { purpose: 'tamper' }],
  ['made for inspection', 'Purpose', { purpose: 'inspect' }],
  ['another terminal', 'Identity', { terminal: 'terminal-2' }],
  ['another compartment', 'Identity', { compartment: 'operator-1' }],
  ['another AK', 'Identity', { akName: new SoftAk('qualifying data, other').akName }],
  ['an earlier owner', 'Epoch', { ownershipEpoch: 0n }],
  ['other claims', 'Claims', { claimsDigest: sha256(utf8('claims 2')) }],
  ['a key bound', 'Claims', { keyToBind: KEY.spki }],
  ['a letter moved from audience to terminal', 'Ambiguity', { audience: 'operator-', terminal: '1terminal-1' }],
];

function fields(context: QuoteContext, extraData: Uint8Array): Readonly<Record<string, unknown>> {
  return { ...context, extraData };
}

/** The formula again, with what an implementer may get wrong in it. */
function wrongFormula(label: string, lengthBytes: 2 | 4, separated: boolean): Uint8Array {
  const prefixed = (value: Uint8Array): Uint8Array => {
    const length = new Uint8Array(lengthBytes);
    length[lengthBytes - 1] = value.length;
    return separated ? bytes(length, value) : value;
  };
  const { challengeDigest, binding, audience, terminal, compartment, akName, claimsDigest } = CONTEXT;
  const parts = [challengeDigest, utf8(binding.type), binding.value, utf8(audience), utf8(terminal), utf8(compartment)];
  const rest = [akName, claimsDigest, new Uint8Array()];
  return sha256(bytes(utf8(label), '0003', ...parts.map(prefixed), '0000000000000001', ...rest.map(prefixed)));
}

function formulaTests(): readonly DraftTest[] {
  const wrong = (comment: string, digest: Uint8Array): DraftTest =>
    invalid(comment, 'Ambiguity', 'quote.nonce', fields(CONTEXT, digest));
  const digest = qualifyingData(CONTEXT, sha256);
  return [
    wrong('without lengths', wrongFormula('mtm-attest/v1\0', 4, false)),
    wrong('lengths of two bytes', wrongFormula('mtm-attest/v1\0', 2, true)),
    wrong('without the NUL behind the label', wrongFormula('mtm-attest/v1', 4, true)),
    wrong('the label of another version', wrongFormula('mtm-attest/v2\0', 4, true)),
    wrong('cut to 20 bytes', digest.subarray(0, 20)),
    wrong('with a byte behind it', bytes(digest, '00')),
  ];
}

/** What stands in extraData. */
export function qualifyingDataDraft(): Draft {
  const digest = qualifyingData(CONTEXT, sha256);
  const inspect: QuoteContext = {
    ...CONTEXT,
    purpose: 'inspect',
    binding: { type: 'none', value: new Uint8Array() },
    ownershipEpoch: 0xffffffffffffffffn,
  };
  const tests: readonly DraftTest[] = [
    valid('a runtime audit', fields(CONTEXT, wrongFormula('mtm-attest/v1\0', 4, true))),
    valid('an enrolment that binds a session key', fields(BOUND, qualifyingData(BOUND, sha256))),
    valid('inspection, without binding; largest epoch', fields(inspect, qualifyingData(inspect, sha256))),
    ...DIFFERENCES.map(([comment, flag, change]) =>
      invalid(comment, flag, 'quote.nonce', fields(CONTEXT, qualifyingData({ ...CONTEXT, ...change }, sha256))),
    ),
    invalid('a key that the quote does not bind', 'Claims', 'quote.nonce', fields(BOUND, digest)),
    ...formulaTests(),
  ];
  return { file: 'qualifying-data', notes: NOTES, groups: [{ type: 'QualifyingData', tests }] };
}
