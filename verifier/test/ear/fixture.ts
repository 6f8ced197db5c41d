import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type PublicJwk, readPublicJwk } from '../../src/ear/public-jwk.ts';

export interface Signer {
  readonly privateKey: KeyObject;
  readonly jwk: string;
  readonly key: PublicJwk;
}

export function signer(namedCurve: 'P-256' | 'P-384' = 'P-256'): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
  return { privateKey, jwk, key: readPublicJwk(jwk) };
}
