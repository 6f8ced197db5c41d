import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';
import { type PcrSelection, writePcrSelection } from './pcr.ts';

/** One thing that a policy demands (TPM 2.0 Library Part 3, 23). */
export type PolicyAssertion =
  | { readonly type: 'secret'; readonly entityName: Uint8Array; readonly policyRef: Uint8Array }
  | { readonly type: 'pcr'; readonly selection: PcrSelection; readonly pcrDigest: Uint8Array }
  | {
      readonly type: 'nv';
      /** with the attribute WRITTEN in it */
      readonly indexName: Uint8Array;
      readonly operand: Uint8Array;
      readonly offset: number;
      /** TPM_EO */
      readonly operation: number;
    }
  | { readonly type: 'command-code'; readonly code: number }
  /** what was demanded before led to one of two to eight digests */
  | { readonly type: 'or'; readonly branches: readonly Uint8Array[] }
  /** what was demanded before was approved by this key */
  | { readonly type: 'authorize'; readonly keyName: Uint8Array; readonly policyRef: Uint8Array };

const CODE = { nv: 0x149, secret: 0x151, authorize: 0x16a, 'command-code': 0x16c, or: 0x171, pcr: 0x17f } as const;
const ZEROS = new Uint8Array(32);

/**
 * The policy that a session has after these assertions, for authPolicy or for an approver to sign: SHA-256 policies only.
 * @returns 32 bytes; zeros for no assertion
 */
export function policyDigest(assertions: readonly PolicyAssertion[], sha256: HashFunction): Uint8Array {
  return assertions.reduce<Uint8Array>((before, assertion) => step(before, assertion, sha256), ZEROS);
}

function step(before: Uint8Array, assertion: PolicyAssertion, sha256: HashFunction): Uint8Array {
  const code = CODE[assertion.type];
  switch (assertion.type) {
    case 'pcr':
      return sha256(
        start(before, code).bytes(writePcrSelection(assertion.selection)).bytes(assertion.pcrDigest).done(),
      );
    case 'command-code':
      return sha256(start(before, code).u32(assertion.code).done());
    case 'nv': {
      const { operand, offset, operation, indexName } = assertion;
      const compared = sha256(new Writer(64).bytes(operand).u16(offset).u16(operation).done());
      return sha256(start(before, code).bytes(compared).bytes(indexName).done());
    }
    case 'secret':
      return withReference(start(before, code).bytes(assertion.entityName).done(), assertion.policyRef, sha256);
    case 'authorize':
      return withReference(start(ZEROS, code).bytes(assertion.keyName).done(), assertion.policyRef, sha256);
    case 'or': {
      const writer = start(ZEROS, code);
      for (const branch of assertion.branches) writer.bytes(branch);
      return sha256(writer.done());
    }
  }
}

function start(before: Uint8Array, code: number): Writer {
  return new Writer(128).bytes(before).u32(code);
}

/** PolicyUpdate: the second hash is there even where the reference is empty. */
function withReference(first: Uint8Array, policyRef: Uint8Array, sha256: HashFunction): Uint8Array {
  return sha256(new Writer(96).bytes(sha256(first)).bytes(policyRef).done());
}
