import { Cursor, TPM_RH, Writer } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import { Secret } from '../secret.ts';
import type { Entity } from './command/command.ts';
import { SESSION_ATTRIBUTE } from './constants.ts';
import type { Session } from './session.ts';

/** How an entity is authorised: by its password, or by a session that knows it. */
export interface Authorization {
  readonly session?: Session | undefined;
  /** password of the entity; empty unless given */
  readonly password?: Secret | undefined;
}

/** The session that hides the first parameter of a command, of its response, or of both. */
export interface Confidential {
  readonly session: Session;
  readonly command?: boolean;
  readonly response?: boolean;
}

interface Use {
  readonly session: Session | undefined;
  readonly password: Secret | undefined;
  readonly attributes: number;
}

const NO_PASSWORD_BYTES = new Secret(new Uint8Array());
const SIZE_BYTES = 2;
const NONCE_BYTES = 32;
const EMPTY = new Uint8Array();

/** The sessions of one command, from its bytes to its response's (Part 1, 18). */
export class Authorizations {
  readonly #code: number;
  readonly #uses: readonly Use[];
  readonly #decrypts: Use | undefined;
  readonly #encrypts: Use | undefined;

  /**
   * @param code of the command
   * @param auths one for each handle that needs authorisation, in their order
   * @param random for fresh nonces
   */
  constructor(
    code: number,
    auths: readonly Authorization[],
    confidential: Confidential | undefined,
    random: (length: number) => Uint8Array,
  ) {
    this.#code = code;
    const hiding =
      confidential === undefined
        ? 0
        : (confidential.command === true ? SESSION_ATTRIBUTE.DECRYPT : 0) |
          (confidential.response === true ? SESSION_ATTRIBUTE.ENCRYPT : 0);
    if (confidential?.session.salted === false) throw new RangeError('a session without a salt hides nothing');
    const uses: Use[] = auths.map(({ session, password }) => ({
      session,
      password,
      attributes:
        SESSION_ATTRIBUTE.CONTINUE | (session !== undefined && session === confidential?.session ? hiding : 0),
    }));
    if (confidential !== undefined && !uses.some(({ session }) => session === confidential.session)) {
      uses.push({
        session: confidential.session,
        password: undefined,
        attributes: SESSION_ATTRIBUTE.CONTINUE | hiding,
      });
    }
    this.#uses = uses;
    this.#decrypts = uses.find(({ attributes }) => (attributes & SESSION_ATTRIBUTE.DECRYPT) !== 0);
    this.#encrypts = uses.find(({ attributes }) => (attributes & SESSION_ATTRIBUTE.ENCRYPT) !== 0);
    for (const { session } of uses) session?.begin(random(NONCE_BYTES));
  }

  get count(): number {
    return this.#uses.length;
  }

  /** @returns authorisation area, and the parameters as they go out */
  seal(
    handles: readonly Entity[],
    parameters: Uint8Array,
  ): { readonly area: Uint8Array; readonly parameters: Uint8Array } {
    const out = this.#decrypts === undefined ? parameters : hidden(this.#decrypts, parameters);
    const hashed = new Writer(256).u32(this.#code);
    for (const { name } of handles) hashed.bytes(name);
    const cpHash = nodeCrypto.sha256(hashed.bytes(out).done());
    const area = new Writer(256);
    this.#uses.forEach(({ session, password, attributes }, i) => {
      if (session === undefined) {
        area.u32(TPM_RH.PASSWORD).sized(EMPTY).u8(0);
        (password ?? NO_PASSWORD_BYTES).use((bytes) => area.sized(bytes));
        return;
      }
      const others = i === 0 ? this.#otherNonces(session) : [];
      const nonces = [session.nonceCaller, session.nonceTpm] as const;
      const hmac = session.hmac(password, cpHash, nonces, others, attributes);
      area.u32(session.handle).sized(session.nonceCaller).u8(attributes).sized(hmac);
    });
    return { area: area.done(), parameters: out };
  }

  /**
   * @param parameters of the response as received @param area the authorisations behind them
   * @returns the parameters in clear
   * @throws AgentError `tpm.session` where an HMAC does not hold; ProtocolError where the area is none
   */
  open(parameters: Uint8Array, area: Cursor): Uint8Array {
    const rpHash = nodeCrypto.sha256(new Writer(256).u32(0).u32(this.#code).bytes(parameters).done());
    for (const { session, password } of this.#uses) {
      const nonce = Uint8Array.from(area.sized());
      const attributes = area.u8();
      const hmac = area.sized();
      if (session === undefined) continue;
      session.answered(nonce);
      const expected = session.hmac(password, rpHash, [session.nonceTpm, session.nonceCaller], [], attributes);
      if (!session.proves(expected, hmac)) throw new AgentError('tpm.session');
    }
    area.end();
    if (this.#encrypts === undefined) return parameters;
    return revealed(this.#encrypts, parameters);
  }

  /** The first session vouches for the nonces of those that encrypt, where these are others (Part 1, 19.6.5). */
  #otherNonces(first: Session): readonly Uint8Array[] {
    const [decrypts, encrypts] = [this.#decrypts?.session, this.#encrypts?.session];
    const others: Uint8Array[] = [];
    if (decrypts !== undefined && decrypts !== first) others.push(decrypts.nonceTpm);
    if (encrypts !== undefined && encrypts !== first && encrypts !== decrypts) others.push(encrypts.nonceTpm);
    return others;
  }
}

/** The content of the TPM2B at the start is encrypted, its size is not (Part 1, 21). */
function hidden({ session, password }: Use, parameters: Uint8Array): Uint8Array {
  return replaced(parameters, (first) => session?.encrypt(password, first) ?? first);
}

function revealed({ session, password }: Use, parameters: Uint8Array): Uint8Array {
  return replaced(parameters, (first) => session?.decrypt(password, first) ?? first);
}

function replaced(parameters: Uint8Array, change: (first: Uint8Array) => Uint8Array): Uint8Array {
  const copy = Uint8Array.from(parameters);
  copy.set(change(new Cursor(copy).sized()), SIZE_BYTES);
  return copy;
}
