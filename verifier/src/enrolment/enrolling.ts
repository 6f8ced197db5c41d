import {
  attestationKey,
  type ChannelBinding,
  equalBytes,
  keyOfSpki,
  type Message,
  MRTM_COMPARTMENT,
  nameOf,
  ProtocolError,
  parseClaims,
  parsePublic,
  primaryQualifiedName,
  qualifyingData,
  TPM_RH,
  type VerificationKey,
  verifyQuote,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type OpenChallenge, openChallenge } from '../challenge/open-challenge.ts';
import { Refusal } from '../endpoint/refusal.ts';
import type { EndpointServices } from '../endpoint/services.ts';

/**
 * A token on its way to an enrolment: its holder proves by a quote of purpose 1 that the AK is restricted, that the session key belongs to it,
 * and that both know the token. The quote says nothing of the PCRs: the gate does (SPEC.md 6.5).
 */
export class Enrolling {
  readonly challenge: OpenChallenge;
  readonly terminal: string;
  readonly #services: EndpointServices;
  readonly #request: Message<'enrol'>;
  readonly #binding: ChannelBinding;
  readonly #akKey: VerificationKey;
  readonly #akName: Uint8Array;
  readonly #secretHash: Uint8Array;

  private constructor(
    services: EndpointServices,
    request: Message<'enrol'>,
    binding: ChannelBinding,
    secretHash: Uint8Array,
  ) {
    this.#services = services;
    this.#request = request;
    this.#binding = binding;
    this.#secretHash = secretHash;
    this.terminal = request.terminal;
    this.#akKey = nodeCrypto.importKey(attestationKey(parsePublic(request.akPublic)));
    this.#akName = nameOf(request.akPublic, nodeCrypto);
    checkSessionKey(request.sessionKey);
    const { clock, policy, random } = services;
    this.challenge = openChallenge({
      purpose: 'enrol',
      nonce: random(32),
      selection: policy.selection,
      cursor: undefined,
      knownList: undefined,
      expiresAt: clock.monotonic() + policy.enrolmentDeadlineMs,
      challengedAt: clock.wall(),
    });
  }

  /**
   * @throws Refusal `enrolment.token-invalid` (unknown, expired, or another terminal's), `enrolment.refused` (keys)
   */
  static async begin(
    services: EndpointServices,
    request: Message<'enrol'>,
    binding: ChannelBinding,
  ): Promise<Enrolling> {
    const secretHash = nodeCrypto.sha256(request.token);
    const token = await services.store.findToken(secretHash, services.clock.wall());
    if (token === undefined || token.terminal !== request.terminal) {
      throw new Refusal('enrolment.token-invalid');
    }
    try {
      return new Enrolling(services, request, binding, secretHash);
    } catch (cause) {
      if (cause instanceof ProtocolError) throw new Refusal('enrolment.refused');
      throw cause;
    }
  }

  /**
   * The enrolment is durable when this resolves.
   * @param arrivedAt monotonic milliseconds at which the evidence came
   * @throws Refusal `enrolment.refused`, `enrolment.token-reused`, `enrolment.token-invalid`, `enrolment.same-ak`
   */
  async conclude(evidence: Message<'evidence'>, arrivedAt: number): Promise<void> {
    const { clock, store } = this.#services;
    const qualifiedName = primaryQualifiedName(TPM_RH.ENDORSEMENT, this.#akName, nodeCrypto);
    if (arrivedAt > this.challenge.expiresAt || !this.#holds(evidence, qualifiedName)) {
      throw new Refusal('enrolment.refused');
    }
    const outcome = await store.enrol(
      {
        terminal: this.terminal,
        secretHash: this.#secretHash,
        akPublic: this.#request.akPublic,
        akName: this.#akName,
        qualifiedName,
        sessionKey: this.#request.sessionKey,
      },
      clock.wall(),
    );
    if (outcome !== 'enrolled') throw new Refusal(`enrolment.${outcome}`);
  }

  #holds(evidence: Message<'evidence'>, qualifiedSigner: Uint8Array): boolean {
    if (!equalBytes(evidence.challenge, this.challenge.id) || !isWithoutLog(evidence)) return false;
    try {
      const { tokenDigest } = parseClaims(evidence.claims);
      if (tokenDigest === undefined || !equalBytes(tokenDigest, this.#secretHash)) return false;
      verifyQuote({
        attest: evidence.attest,
        signature: evidence.signature,
        key: this.#akKey,
        qualifiedSigner,
        selection: this.challenge.selection,
        qualifyingData: this.#qualifyingData(evidence.claims),
      });
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #qualifyingData(claims: Uint8Array): Uint8Array {
    return qualifyingData(
      {
        purpose: 'enrol',
        challengeDigest: this.challenge.digest,
        binding: this.#binding,
        audience: this.#services.policy.audience,
        terminal: this.terminal,
        compartment: MRTM_COMPARTMENT,
        ownershipEpoch: 0n,
        akName: this.#akName,
        claimsDigest: nodeCrypto.sha256(claims),
        keyToBind: this.#request.sessionKey,
      },
      nodeCrypto.sha256,
    );
  }
}

/** The PCRs are the gate's business: no log, no lists, nothing that follows. */
function isWithoutLog({ log, moreLog, lists }: Message<'evidence'>): boolean {
  return log.length === 0 && moreLog === undefined && lists === undefined;
}

/** @throws ProtocolError `key.parameters` for anything but a point of P-256 */
function checkSessionKey(spki: Uint8Array): void {
  const material = keyOfSpki(spki);
  if (material.algorithm !== 'ecdsa-p256') throw new ProtocolError('key.parameters');
  nodeCrypto.importKey(material);
}
