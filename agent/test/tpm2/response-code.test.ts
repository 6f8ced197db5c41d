import { expect } from 'chai';
import { decodeResponseCode, isPutOff, TpmRefusal } from '../../src/tpm2/response-code.ts';

describe('response codes of a TPM', () => {
  it('are taken apart: format, name, and what they blame', () => {
    const parameter = (number: number): object => ({ kind: 'parameter', number });
    for (const [code, name, blames] of [
      [0x100, 'INITIALIZE', undefined],
      [0x101, 'FAILURE', undefined],
      [0x128, 'PCR_CHANGED', undefined],
      [0x12f, 'AUTH_UNAVAILABLE', undefined],
      [0x142, 'COMMAND_SIZE', undefined],
      [0x14a, 'NV_UNINITIALIZED', undefined],
      [0x18b, 'HANDLE', { kind: 'handle', number: 1 }],
      [0x28b, 'HANDLE', { kind: 'handle', number: 2 }],
      [0x99d, 'POLICY_FAIL', { kind: 'session', number: 1 }],
      [0x98e, 'AUTH_FAIL', { kind: 'session', number: 1 }],
      [0x1c4, 'VALUE', parameter(1)],
      [0x1d5, 'SIZE', parameter(1)],
      [0x1df, 'INTEGRITY', parameter(1)],
      [0x3c3, 'HASH', parameter(3)],
      [0x3e0, 'TICKET', parameter(3)],
      [0x902, 'OBJECT_MEMORY', undefined],
      [0x910, 'REFERENCE_H0', undefined],
      [0x921, 'LOCKOUT', undefined],
      [0x000b0143, 'COMMAND_CODE', undefined],
      [0x500, 'VENDOR', undefined],
      [0x17f, 'UNKNOWN', undefined],
    ] as const) {
      expect(decodeResponseCode(code), code.toString(16)).to.deep.equal({ code, name, blames });
    }
  });

  it('of those that put a command off, and no others, ask for the same bytes again', () => {
    for (const code of [0x908, 0x909, 0x90a, 0x920, 0x922, 0x923]) expect(isPutOff(code)).to.equal(true);
    for (const code of [0, 0x100, 0x101, 0x902, 0x921, 0x99d, 0x1a2]) expect(isPutOff(code)).to.equal(false);
  });

  it('become codes that an operator can act on, and say what was refused', () => {
    for (const [code, expected] of [
      [0x100, 'tpm.not-started'],
      [0x99d, 'tpm.policy'],
      [0x128, 'tpm.policy'],
      [0x98e, 'tpm.authorisation'],
      [0x9a2, 'tpm.authorisation'],
      [0x902, 'tpm.memory'],
      [0x921, 'tpm.lockout'],
      [0x922, 'tpm.busy'],
      [0x1df, 'tpm.refused'],
      [0x101, 'tpm.refused'],
    ] as const) {
      expect(new TpmRefusal('Unseal', code).code).to.equal(expected);
    }
    expect(new TpmRefusal('Unseal', 0x99d).detail).to.equal('Unseal: 0x99d POLICY_FAIL, session 1');
  });
});
