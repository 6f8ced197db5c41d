import { createPrivateKey } from 'node:crypto';
import type { StoredState } from '../../src/platform/soft/stored-state.ts';

/** The private scalars of a state, 32 bytes each. */
export function scalarsOf(state: StoredState): readonly Buffer[] {
  return [state.akPrivate, state.sessionPrivate].map((secret) =>
    secret.use((bytes) => {
      const key = createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
      return Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
    }),
  );
}

/** Whether one of them stands there: raw, hexadecimal or base64. */
export function showsScalar(bytes: Buffer, scalars: readonly Buffer[]): boolean {
  const text = bytes.toString('latin1');
  return scalars.some(
    (scalar) =>
      bytes.includes(scalar) ||
      (['hex', 'base64', 'base64url'] as const).some((form) =>
        text.includes(scalar.toString(form).replace(/=+$/, '').slice(0, 40)),
      ),
  );
}
