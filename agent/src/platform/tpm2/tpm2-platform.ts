import {
  attestationKey,
  type BootIdentity,
  compareBootIdentity,
  type HelloContext,
  helloMessage,
  keyOfSpki,
  ProtocolError,
  parsePublic,
  parseSignature,
  primaryQualifiedName,
  type QuoteQuestion,
  qualifyingData,
  TPM_RH,
  verifyQuote,
  withLowS,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import type { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import { judged } from '../../tpm2/answer.ts';
import { makerOf, startedClock } from '../../tpm2/capabilities.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { QUOTE } from '../../tpm2/command/attestation.ts';
import { GET_RANDOM } from '../../tpm2/command/machine.ts';
import { type Blob, type Made, SIGN } from '../../tpm2/command/object.ts';
import { isRefusal } from '../../tpm2/response-code.ts';
import { type Approval, type SealPolicy, seal, unseal } from '../../tpm2/sealing.ts';
import type {
  CounterName,
  Credential,
  EndorsementKey,
  PlatformIdentity,
  Quote,
  QuoteRequest,
  TrustedPlatform,
} from '../platform.ts';
import { sha256Selection } from '../soft/selection.ts';
import { Banks } from './banks.ts';
import { demandCounters, incrementCounter, readCounter } from './counters.ts';
import { activateCredential, endorsementKey, endorsementKind } from './endorsement.ts';
import { loadAk, quoteSignature, spkiOf, withSessionKey } from './keys.ts';
import { provision } from './provision.ts';
import { readTpm2State, type Tpm2State } from './state.ts';

export interface Tpm2Options {
  /** the platform closes it */
  readonly client: TpmClient;
  /** where what the keys are made from is kept */
  readonly files: DurableFiles;
  /** told when a quote shows that the machine began another boot identity behind our back: it was suspended and resumed */
  readonly onResumed?: (boot: BootIdentity) => void;
}

const DIGEST_BYTES = 32;
const MAX_RANDOM_BYTES = 1024;
/** A TPM gives as much as its largest digest has at most. */
const RANDOM_CHUNK = 32;

/**
 * The trusted environment in a TPM 2.0. The AK stays loaded; whatever else occupies a slot is flushed at once. The TPM goes on when this ends:
 * PCRs, boot identity and counters are the chip's.
 */
export class Tpm2Platform implements TrustedPlatform {
  readonly #client: TpmClient;
  readonly #state: Tpm2State;
  readonly #banks: Banks;
  readonly #onResumed: (boot: BootIdentity) => void;
  readonly #signer: Required<Pick<QuoteQuestion, 'key' | 'qualifiedSigner'>>;
  #identity: PlatformIdentity;
  #ak: Made;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: Tpm2Options, state: Tpm2State, banks: Banks, identity: PlatformIdentity, ak: Made) {
    this.#client = options.client;
    this.#onResumed = options.onResumed ?? (() => undefined);
    this.#state = state;
    this.#banks = banks;
    this.#identity = identity;
    this.#ak = ak;
    this.#signer = {
      key: nodeCrypto.importKey(attestationKey(parsePublic(ak.area))),
      qualifiedSigner: primaryQualifiedName(TPM_RH.ENDORSEMENT, ak.name, nodeCrypto),
    };
  }

  /**
   * Finds the terminal's keys and counters, or makes them where the files hold no state yet. A TPM that was not started is started.
   *
   * @throws AgentError `platform.bank`, `platform.counter-missing`, `platform.other-tpm`, `state.*`, `tpm.*`
   */
  static open(options: Tpm2Options): Promise<Tpm2Platform> {
    const { client, files } = options;
    return judged(async () => {
      const { resetCount, restartCount } = await startedClock(client);
      const banks = await Banks.of(client);
      const state = (await readTpm2State(files)) ?? (await provision(client, files));
      const ak = await loadAk(client, state);
      await demandCounters(client);
      const { emulated } = await makerOf(client);
      const sessionKey = await withSessionKey(client, state.sessionUnique, async ({ area }) => spkiOf(area));
      const identity: PlatformIdentity = {
        backEnd: 'tpm2',
        // An emulator keeps its secrets in a file.
        protection: emulated ? 'none' : 'chip',
        boot: { resetCount, restartCount },
        akPublic: ak.area,
        akName: ak.name,
        sessionKey,
      };
      return new Tpm2Platform(options, state, banks, identity, ak);
    });
  }

  async identity(): Promise<PlatformIdentity> {
    if (this.#closed) throw new AgentError('platform.unavailable', 'closed');
    return this.#identity;
  }

  extend(pcr: number, digest: Uint8Array): Promise<void> {
    return this.#alone(() => this.#banks.extend(pcr, digest));
  }

  readPcrs(): Promise<Uint8Array> {
    return this.#alone(() => this.#banks.read());
  }

  quote(request: QuoteRequest): Promise<Quote> {
    return this.#alone(async () => {
      const { selection } = request;
      sha256Selection(selection);
      demandDigests(request.challengeDigest, request.claimsDigest);
      const { akName, sessionKey } = this.#identity;
      const asked = qualifyingData(
        { ...request, akName, keyToBind: request.bindSessionKey ? sessionKey : undefined },
        nodeCrypto.sha256,
      );
      const { attest, signature } = await this.#withAk((ak) =>
        this.#client.run(QUOTE, { handles: [ak], parameters: { qualifyingData: asked, selection } }),
      );
      // A bit that fell over on the bus would look like an attack at the verifier.
      const { clockInfo } = verifyQuote({ attest, signature, ...this.#signer, selection, qualifyingData: asked });
      this.#demandSameBoot(clockInfo);
      return { attest: Uint8Array.from(attest), signature: quoteSignature(signature) };
    });
  }

  signHello(context: HelloContext): Promise<Uint8Array> {
    return this.#alone(async () => {
      demandDigests(context.nonce);
      const message = helloMessage(context);
      const parameters = { digest: nodeCrypto.sha256(message) };
      const answer = await withSessionKey(this.#client, this.#state.sessionUnique, (key) =>
        this.#client.run(SIGN, { handles: [key], parameters }),
      );
      const { signature } = parseSignature(answer);
      const key = nodeCrypto.importKey(keyOfSpki(this.#identity.sessionKey));
      if (!key.verify(message, signature)) throw new ProtocolError('signature.invalid');
      return withLowS(signature);
    });
  }

  endorsementKey(): Promise<EndorsementKey> {
    return this.#alone(async () => endorsementKey(this.#client, await endorsementKind(this.#client)));
  }

  /** Whoever made the credential knows from the answer that both keys are in one TPM. */
  activateCredential(credential: Credential): Promise<Uint8Array> {
    return this.#alone(async () => {
      const kind = await endorsementKind(this.#client);
      return this.#withAk((ak) => activateCredential(this.#client, ak, kind, credential));
    });
  }

  /** As `seal` of tpm2/sealing.ts, under the storage root key that was first seen. */
  seal(secret: Secret, authPolicy: Uint8Array): Promise<Blob> {
    return this.#alone(() => seal(this.#client, secret, authPolicy, this.#state.rootName));
  }

  /** As `unseal` of tpm2/sealing.ts, under the storage root key that was first seen. */
  unseal(blob: Blob, policy: SealPolicy, approval?: Approval): Promise<Secret> {
    return this.#alone(() => unseal(this.#client, blob, policy, approval, this.#state.rootName));
  }

  readCounter(name: CounterName): Promise<bigint> {
    return this.#alone(() => readCounter(this.#client, name));
  }

  incrementCounter(name: CounterName): Promise<bigint> {
    return this.#alone(() => incrementCounter(this.#client, name));
  }

  random(length: number): Promise<Uint8Array> {
    return this.#alone(async () => {
      if (!Number.isInteger(length) || length < 0 || length > MAX_RANDOM_BYTES) {
        throw new AgentError('platform.refused');
      }
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const asked = Math.min(RANDOM_CHUNK, length - at);
        const some = await this.#client.run(GET_RANDOM, { parameters: { length: asked } });
        if (some.length === 0 || some.length > asked) throw new AgentError('tpm.response', 'GetRandom');
        bytes.set(some, at);
        at += some.length;
      }
      return bytes;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
    await this.#client.close();
    this.#state.akUnique.destroy();
    this.#state.sessionUnique.destroy();
  }

  /** A TPM that was started anew has dropped the AK: it is made again, as it was. */
  async #withAk<T>(use: (ak: Made) => Promise<T>): Promise<T> {
    try {
      return await use(this.#ak);
    } catch (error) {
      if (!isRefusal(error, 'HANDLE', 'REFERENCE_H0')) throw error;
    }
    this.#client.forget(this.#ak.handle);
    this.#ak = await loadAk(this.#client, this.#state);
    return use(this.#ak);
  }

  /**
   * A Resume keeps the PCRs and begins another boot identity, which the log must name before evidence shows it (SPEC.md 4.5).
   * @throws AgentError `platform.resumed`
   */
  #demandSameBoot({ resetCount, restartCount }: BootIdentity): void {
    const boot = { resetCount, restartCount };
    if (compareBootIdentity(boot, this.#identity.boot) === 0) return;
    this.#identity = { ...this.#identity, boot };
    this.#onResumed(boot);
    throw new AgentError('platform.resumed');
  }

  /** Several commands that belong together, with nobody else's between them. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new AgentError('platform.unavailable', 'closed'));
    const done = this.#last.then(() => judged(work));
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** @throws AgentError `platform.refused` */
function demandDigests(...digests: readonly Uint8Array[]): void {
  if (digests.some(({ length }) => length !== DIGEST_BYTES)) throw new AgentError('platform.refused', 'digest');
}
