import {
  attestationKey,
  type ChannelBinding,
  type Claims,
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
import type { EndpointServices, TokenRecord } from '../endpoint/services.ts';
import { type Activation, beginActivation } from './activation.ts';

/**
 * A token on its way to an enrolment: its holder proves by a quote of purpose 1 that the AK is restricted, that the session key belongs to it,
 * that both know the token, and, where the token is for a TPM, that the AK lives beside its endorsement key. The quote says nothing of the PCRs:
 * the gate does (SPEC.md 6.5).
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
  readonly #activation: Activation | undefined;

  private constructor(
    services: EndpointServices,
    request: Message<'enrol'>,
    binding: ChannelBinding,
    secretHash: Uint8Array,
    token: TokenRecord,
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
    this.#activation = beginActivation(token.class, request, this.#akName, random);
    this.challenge = openChallenge({
      purpose: 'enrol',
      nonce: random(32),
      selection: policy.selection,
      cursor: undefined,
      knownList: undefined,
      activation: this.#activation?.sent,
      expiresAt: clock.monotonic() + policy.enrolmentDeadlineMs,
      challengedAt: clock.wall(),
    });
  }

  /**
   * @throws Refusal `enrolment.token-invalid` (unknown, expired, or another terminal's), `enrolment.refused` (keys, or the endorsement key is not
   * what the class asks for), `enrolment.not-endorsed`
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
      return new Enrolling(services, request, binding, secretHash, token);
    } catch (cause) {
      if (cause instanceof ProtocolError) throw refused(cause.message);
      if (cause instanceof Refusal) await raiseAlarm(services, request.terminal, cause);
      throw cause;
    }
  }

  /**
   * The enrolment is durable when this resolves.
   * @param arrivedAt monotonic milliseconds at which the evidence came
   * @throws Refusal `enrolment.refused`, `enrolment.token-reused`, `enrolment.token-invalid`, `enrolment.same-ak`, `enrolment.ak-in-use`
   */
  async conclude(evidence: Message<'evidence'>, arrivedAt: number): Promise<void> {
    const { clock, store } = this.#services;
    const qualifiedName = primaryQualifiedName(TPM_RH.ENDORSEMENT, this.#akName, nodeCrypto);
    if (arrivedAt > this.challenge.expiresAt) throw refused('the evidence came after the life of its challenge');
    const { activation } = this.#proven(evidence, qualifiedName);
    if (!this.#isActivated(activation)) {
      const refusal = refused('the attestation key was not proven to be in the TPM of the endorsement key');
      await raiseAlarm(this.#services, this.terminal, refusal);
      throw refusal;
    }
    const outcome = await store.enrol(
      {
        terminal: this.terminal,
        secretHash: this.#secretHash,
        akPublic: this.#request.akPublic,
        akName: this.#akName,
        qualifiedName,
        sessionKey: this.#request.sessionKey,
        ekName: this.#activation?.ekName,
      },
      clock.wall(),
    );
    if (outcome !== 'enrolled') throw new Refusal(`enrolment.${outcome}`);
  }

  /** The claims of a quote that verified. @throws Refusal `enrolment.refused` */
  #proven(evidence: Message<'evidence'>, qualifiedSigner: Uint8Array): Claims {
    if (!equalBytes(evidence.challenge, this.challenge.id)) throw refused('the evidence is for another challenge');
    if (!isWithoutLog(evidence)) throw refused('the evidence carries a log or lists');
    try {
      const claims = parseClaims(evidence.claims);
      const { tokenDigest } = claims;
      if (tokenDigest === undefined || !equalBytes(tokenDigest, this.#secretHash)) throw refused('another token');
      verifyQuote({
        attest: evidence.attest,
        signature: evidence.signature,
        key: this.#akKey,
        qualifiedSigner,
        selection: this.challenge.selection,
        qualifyingData: this.#qualifyingData(evidence.claims),
      });
      return claims;
    } catch (cause) {
      if (cause instanceof ProtocolError) throw refused(cause.message);
      throw cause;
    }
  }

  /** A proof where none was asked for is as wrong as none where one was. */
  #isActivated(proof: Uint8Array | undefined): boolean {
    if (this.#activation === undefined || proof === undefined) return this.#activation === proof;
    return equalBytes(proof, this.#activation.proof);
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

function refused(reason: string): Refusal {
  return new Refusal('enrolment.refused', { reason });
}

/** Whoever holds a valid token and is not what it was made for concerns the operator. */
async function raiseAlarm({ store, clock }: EndpointServices, terminal: string, refusal: Refusal): Promise<void> {
  await store.alarm('enrolment.unproven', terminal, refusal.reason ?? refusal.code, clock.wall());
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
