import type { Message, MessageName } from '../../src/message/catalogue.ts';

const fill = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const challenge = fill(8, 1);

/** Messages of every kind, the first of each with all its optional fields that an audit has, the last without any. */
export const SAMPLES: { readonly [N in MessageName]: readonly [Message<N>, ...Message<N>[]] } = {
  greeting: [
    { type: 'greeting', nonce: fill(32, 2), audience: 'verifier', binding: 'tls-exporter' },
    { type: 'greeting', nonce: fill(32, 2), audience: 'v', binding: 'tls-server-end-point' },
  ],
  hello: [{ type: 'hello', terminal: 'terminal-1', signature: fill(64, 3) }],
  enrol: [
    {
      type: 'enrol',
      terminal: 'terminal-1',
      token: fill(32, 4),
      akPublic: fill(88, 5),
      sessionKey: fill(91, 6),
      ek: fill(1024, 18),
      ekCertificate: fill(4096, 19),
    },
    { type: 'enrol', terminal: 'terminal-1', token: fill(32, 4), akPublic: fill(1024, 5), sessionKey: fill(91, 6) },
  ],
  challenge: [
    {
      type: 'challenge',
      nonce: fill(32, 7),
      purpose: 'runtime',
      selection: fill(10, 8),
      cursor: { resetCount: 0xffffffff, restartCount: 0, count: 1_000_000, prefix: fill(16, 9) },
      knownList: fill(16, 10),
    },
    {
      type: 'challenge',
      nonce: fill(32, 7),
      purpose: 'gate',
      selection: fill(10, 8),
      cursor: { resetCount: 0, restartCount: 0, count: 0, prefix: fill(16, 0) },
      firmware: true,
      ima: 0,
    },
    { type: 'challenge', nonce: fill(32, 7), purpose: 'gate', selection: fill(64, 8), knownList: fill(16, 10) },
    {
      type: 'challenge',
      nonce: fill(32, 7),
      purpose: 'enrol',
      selection: fill(10, 8),
      credential: fill(68, 20),
      encryptedSecret: fill(256, 21),
    },
    { type: 'challenge', nonce: fill(32, 7), purpose: 'enrol', selection: fill(10, 8) },
  ],
  evidence: [
    {
      type: 'evidence',
      challenge,
      attest: fill(145, 11),
      signature: fill(72, 12),
      claims: fill(3, 13),
      log: fill(49_152, 14),
      moreLog: true,
      lists: 64,
    },
    {
      type: 'evidence',
      challenge,
      attest: fill(145, 11),
      signature: fill(72, 12),
      claims: fill(3, 13),
      log: fill(0, 0),
      moreLog: true,
      lists: 1,
      pcrs: fill(768, 14),
      firmware: true,
      ima: true,
    },
    { type: 'evidence', challenge, attest: fill(1, 11), signature: fill(1, 12), claims: fill(1, 13), log: fill(0, 0) },
  ],
  part: [
    { type: 'part', challenge, kind: 'log', body: fill(49_152, 15), last: false },
    { type: 'part', challenge, kind: 'firmware', body: fill(49_152, 15) },
    { type: 'part', challenge, kind: 'ima', body: fill(1, 15), last: true },
    { type: 'part', challenge, kind: 'list', body: fill(0, 0) },
  ],
  want: [{ type: 'want', challenge, list: fill(32, 16) }],
  bootNew: [{ type: 'bootNew', challenge, boot: { resetCount: 3, restartCount: 0xffffffff } }],
  result: [
    {
      type: 'result',
      challenge,
      verdict: 'untrusted',
      codes: ['component.digest', 'log.replay'],
      ledgerIndex: Number.MAX_SAFE_INTEGER,
      leafHash: fill(32, 17),
    },
    { type: 'result', challenge, verdict: 'trusted', ledgerIndex: 0, leafHash: fill(32, 17) },
  ],
  noResult: [{ type: 'noResult', challenge, code: 'state.conflict' }],
  enrolled: [{ type: 'enrolled', terminal: 'terminal-1', audience: 'verifier' }],
  refusal: [{ type: 'refusal', code: 'session.unexpected-message' }],
};
