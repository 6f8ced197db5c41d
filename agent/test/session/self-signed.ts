import { generateKeyPairSync, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A server's certificate, its own root, in PEM. */
export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
  /** SubjectPublicKeyInfo, DER */
  readonly spki: Buffer;
}

const [SEQUENCE, SET, INTEGER, BITS, OCTETS, OBJECT, TEXT, TIME] = [0x30, 0x31, 2, 3, 4, 6, 0x0c, 0x18] as const;
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = der(OBJECT, Buffer.from('550403', 'hex'));
const SUBJECT_ALT_NAME = der(OBJECT, Buffer.from('551d11', 'hex'));

/** @param hosts names and IPv4 addresses that it is for */
export function selfSigned(hosts: readonly string[], namedCurve: 'P-256' | 'P-384' = 'P-256'): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(TEXT, Buffer.from('verifier of a test')))));
  const hostNames = hosts.map((host) =>
    isIP(host) === 4 ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  );
  const signed = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, der(TIME, Buffer.from('20200101000000Z')), der(TIME, Buffer.from('20991231235959Z'))),
    name,
    spki,
    der(0xa3, der(SEQUENCE, der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTETS, der(SEQUENCE, ...hostNames))))),
  );
  const signature = der(BITS, Buffer.from([0]), sign('sha256', signed, privateKey));
  const base64 = der(SEQUENCE, signed, ECDSA_WITH_SHA256, signature).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    spki,
  };
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
