import { compareBootIdentity, equalBytes, type FileDigest, resetPcrs, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Examined, Outcome } from './check.ts';
import type { Finding } from './finding.ts';
import { pcrOf } from './firmware-facts.ts';
import type { ImaFacts } from './ima-facts.ts';
import type { AcceptedState, AppraisalInput, ImaAllowed, ModelReference, ReleaseReference } from './input.ts';

const AFFIRMED: Outcome = { affirms: ['ima'], findings: [] };
/** PCR 0 to 9: those of the boot aggregate in a bank other than SHA-1. */
const AGGREGATED_PCRS = 10;

/** The facts of the list as the release that runs reads it; of another one where that has no Reference Values for lists. */
export function imaFactsOf({ ima, log, previous }: AppraisalInput): ImaFacts | undefined {
  if (ima === undefined) return undefined;
  const release = log.release ?? previous?.release;
  const [any] = ima.values();
  return (release === undefined ? undefined : ima.get(release)?.facts) ?? any?.facts;
}

/** Every entry that the quote covers is allowed by digest, by signer, or by an exclude that shows (SPEC.md 7.8; F-26 to F-28). */
export function imaFindings(
  input: AppraisalInput,
  { quote }: Examined,
  reference: ModelReference,
  release: ReleaseReference,
): Outcome {
  const allowed = release.platform?.ima;
  const facts = imaFactsOf(input);
  if (allowed === undefined) return facts === undefined || facts.seen === 0 ? AFFIRMED : notReferenced(facts);
  if (facts === undefined || facts.seen === 0) return only('platform-log.missing', 'the terminal sent no IMA list');
  const held = input.ima?.get(release.release);
  if (held === undefined || !equalBytes(held.referenceDigest, release.digest)) {
    return only('state.conflict', `the Reference Values of release ${release.release} changed since the challenge`);
  }
  const findings = [
    ...(facts.from > 0 ? [] : bootAggregateFindings(allowed, facts.bootAggregate, input.firmware?.pcrs ?? resetPcrs())),
    ...(quote === undefined ? [] : progressFindings(facts, input.previous, quote.clockInfo)),
    ...facts.findings.map((finding) => ({ ...finding, ...allowedBy(reference, finding) })),
  ];
  return { affirms: findings.length === 0 ? ['ima'] : [], findings, warnings: facts.warnings };
}

/** The values that the firmware left, before our own log: the kernel reads them before the agent begins. */
function bootAggregateFindings(
  { rule }: ImaAllowed,
  shown: FileDigest | undefined,
  pcrs: Uint8Array,
): readonly Finding[] {
  const finding = (detail: string): readonly Finding[] => [{ code: 'ima.boot-aggregate', detail, event: 0 }];
  if (shown === undefined) return finding('the first entry is no boot aggregate');
  // Kernels with the padded rule take the SHA-1 bank, which no quote of ours covers: the list hangs on PCR 10 alone there.
  if (rule === 'padded' && shown.algorithm === 'sha1') return [];
  const wanted = nodeCrypto.sha256(pcrs.subarray(0, pcrOf(pcrs, AGGREGATED_PCRS).byteOffset - pcrs.byteOffset));
  if (shown.algorithm === 'sha256' && equalBytes(shown.digest, wanted)) return [];
  return finding(`${shown.algorithm} ${toHex(shown.digest)}; the PCRs of this boot give sha256 ${toHex(wanted)}`);
}

/** A quote may stay behind the list that is read after it, but never behind what was seen before (spec-digest D.6.7). */
function progressFindings(
  { covered }: ImaFacts,
  previous: AcceptedState | undefined,
  boot: Parameters<typeof compareBootIdentity>[0],
): readonly Finding[] {
  if (previous === undefined || compareBootIdentity(previous, boot) !== 0) return [];
  if (covered === undefined || covered >= previous.imaSeen) return [];
  const detail = `the quote covers ${covered} entries; ${previous.imaSeen} were there at an earlier audit`;
  return [{ code: 'ima.behind', detail }];
}

function notReferenced({ seen }: ImaFacts): Outcome {
  return only('ima.unlisted', `the release has no Reference Values for an IMA list; the terminal has ${seen} entries`);
}

/** Which other release of the manifest lists this digest under this path. */
function allowedBy(reference: ModelReference, { code, component, found }: Finding): { readonly allowedBy?: string } {
  if (code !== 'ima.unlisted' || component === undefined || found === undefined) return {};
  const other = [...reference.releases.values()].find(({ platform }) =>
    platform?.ima?.files.get(component)?.has(found),
  );
  return other === undefined ? {} : { allowedBy: `release ${other.release} (${other.version})` };
}

function only(code: Finding['code'], detail: string): Outcome {
  return { affirms: [], findings: [{ code, detail }] };
}
