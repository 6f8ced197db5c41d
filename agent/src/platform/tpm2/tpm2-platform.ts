import {
  attestationKey,
  type BootIdentity,
  compareBootIdentity,
  equalBytes,
  type HelloContext,
  helloMessage,
  keyOfSpki,
  ProtocolError,
  p256Spki,
  parsePublic,
  parseSignature,
  primaryQualifiedName,
  type QuoteQuestion,
  qualifyingData,
  TPM_RH,
  verifyQuote,
  withLowS,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import type { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import { makerOf, startedClock } from '../../tpm2/capabilities.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { QUOTE } from '../../tpm2/command/attestation.ts';
import { ENDORSEMENT, OWNER } from '../../tpm2/command/command.ts';
import { GET_RANDOM } from '../../tpm2/command/machine.ts';
import { type Blob, type Made, SIGN } from '../../tpm2/command/object.ts';
import { createPrimary, withPrimary } from '../../tpm2/loaded.ts';
import { isRefusal } from '../../tpm2/response-code.ts';
import { type Approval, type SealPolicy, seal, unseal } from '../../tpm2/sealing.ts';
import { akTemplate, type EkKind, SRK_TEMPLATE, signingTemplate } from '../../tpm2/templates.ts';
import type { CounterName, PlatformIdentity, Quote, QuoteRequest, TrustedPlatform } from '../platform.ts';
import { sha256Selection } from '../soft/selection.ts';
import { Banks } from './banks.ts';
import { demandCounters, incrementCounter, provideCounters, readCounter } from './counters.ts';
import { activateCredential, type Credential, type EndorsementKey, endorsementKey } from './endorsement.ts';
import { freshUnique, readTpm2State, type Tpm2State, writeTpm2State } from './state.ts';

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
  static async open(options: Tpm2Options): Promise<Tpm2Platform> {
    const { client, files } = options;
    const { resetCount, restartCount } = await startedClock(client);
    const banks = await Banks.of(client);
    const state = (await readTpm2State(files)) ?? (await provide(client, files));
    await demandCounters(client);
    const ak = await attestationKeyOf(client, state);
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
    return reading(() => new Tpm2Platform(options, state, banks, identity, ak));
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
      const { clockInfo } = reading(() =>
        verifyQuote({ attest, signature, ...this.#signer, selection, qualifyingData: asked }),
      );
      this.#demandSameBoot(clockInfo);
      return { attest: Uint8Array.from(attest), signature: lowS(signature) };
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
      return reading(() => {
        const { signature } = parseSignature(answer);
        const key = nodeCrypto.importKey(keyOfSpki(this.#identity.sessionKey));
        if (!key.verify(message, signature)) throw new ProtocolError('signature.invalid');
        return withLowS(signature);
      });
    });
  }

  /** The endorsement key of a kind, and its certificate. */
  endorsementKey(kind: EkKind): Promise<EndorsementKey> {
    return this.#alone(() => endorsementKey(this.#client, kind));
  }

  /** Opens a credential made for this AK: whoever made it knows then that both keys are in one TPM. @throws AgentError `tpm.refused` */
  activateCredential(kind: EkKind, credential: Credential): Promise<Secret> {
    return this.#alone(() => this.#withAk((ak) => activateCredential(this.#client, ak, kind, credential)));
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
    this.#ak = await attestationKeyOf(this.#client, this.#state);
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
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Counters first: where this is cut short, the next start finds them and goes on. */
async function provide(client: TpmClient, files: DurableFiles): Promise<Tpm2State> {
  await provideCounters(client);
  const akUnique = freshUnique(client.random);
  const ak = akUnique.use((unique) => createPrimary(client, ENDORSEMENT, { area: akTemplate(unique) }));
  const akName = (await ak).name;
  await client.flush((await ak).handle);
  const rootName = await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, async ({ name }) => name);
  const state = { akUnique, sessionUnique: freshUnique(client.random), akName, rootName };
  await writeTpm2State(files, state);
  return state;
}

/** @throws AgentError `platform.other-tpm` */
async function attestationKeyOf(client: TpmClient, { akUnique, akName }: Tpm2State): Promise<Made> {
  const ak = await akUnique.use((unique) => createPrimary(client, ENDORSEMENT, { area: akTemplate(unique) }));
  if (equalBytes(ak.name, akName)) return ak;
  await client.flush(ak.handle);
  throw new AgentError('platform.other-tpm');
}

/** The session key signs once in a connection: it does not occupy a slot between. */
function withSessionKey<T>(client: TpmClient, unique: Secret, use: (key: Made) => Promise<T>): Promise<T> {
  return unique.use((bytes) => withPrimary(client, ENDORSEMENT, { area: signingTemplate(bytes) }, use));
}

function spkiOf(area: Uint8Array): Uint8Array {
  return reading(() => {
    const { parameters } = parsePublic(area);
    if (parameters.type !== 'ecc') throw new AgentError('tpm.response', 'a key of another kind');
    return p256Spki(padded(parameters.x), padded(parameters.y));
  });
}

function padded(coordinate: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  bytes.set(coordinate, DIGEST_BYTES - coordinate.length);
  return bytes;
}

/** A TPM does not care which half s is in; one signature has one form here (F-61). */
function lowS(bytes: Uint8Array): Uint8Array {
  const signature = parseSignature(bytes);
  if (signature.scheme !== 'ecdsa') throw new AgentError('tpm.response', 'a signature of another scheme');
  return writeSignature({ ...signature, signature: withLowS(signature.signature) });
}

/** What does not parse was no answer. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('tpm.response', cause.message, { cause });
    throw cause;
  }
}

/** @throws AgentError `platform.refused` */
function demandDigests(...digests: readonly Uint8Array[]): void {
  if (digests.some(({ length }) => length !== DIGEST_BYTES)) throw new AgentError('platform.refused', 'digest');
}
