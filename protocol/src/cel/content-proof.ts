import { equalBytes } from '../bytes/equal.ts';
import type { ImaRule } from '../ima/replay.ts';
import { templateDigest } from '../ima/template-digest.ts';
import { type TcgProof, tcgProof } from '../tcg-log/coverage.ts';
import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import type { CelDigest, CelRecord } from './record.ts';
import { asTcgRecord, isMeasured } from './tcg-record.ts';

/** As TcgProof; `violation`: an IMA entry whose digests are all ones, `unmeasured`: nothing was extended. */
export type CelProof = TcgProof | 'violation' | 'unmeasured';

/**
 * Whether the digests of a record prove its content. Of IMA entries they are template digests, in banks other than SHA-1 by the rule that is
 * told; without it those banks prove nothing. Content of IMA-TLV, of systemd and of the log itself counts as unproven.
 */
export function celProof(record: CelRecord, hashes: Hashes, rule: ImaRule | undefined): CelProof {
  if (!isMeasured(record)) return 'unmeasured';
  const { content, digests } = record;
  if (content.type === 'pcclient_std') return tcgProof(asTcgRecord(record), hashes);
  if (content.type !== 'ima_template') return 'uncovered';
  if (digests.every(({ digest }) => digest.every((byte) => byte === 0xff))) return 'violation';
  const proofs = digests.map((digest) => templateProof(digest, content, hashes, rule));
  if (proofs.includes('contradicted')) return 'contradicted';
  return proofs.includes('uncovered') ? 'uncovered' : 'covered';
}

function templateProof(
  { algorithm, digest }: CelDigest,
  { name, data }: Extract<CelRecord['content'], { type: 'ima_template' }>,
  hashes: Hashes,
  rule: ImaRule | undefined,
): TcgProof {
  const bank = hashName(algorithm);
  if (bank === undefined || (bank !== 'sha1' && rule === undefined)) return 'uncovered';
  const wanted = new Uint8Array(digest.length);
  wanted.set(templateDigest(name, data, hashes[rule === 'padded' ? 'sha1' : bank]));
  return equalBytes(wanted, digest) ? 'covered' : 'contradicted';
}
