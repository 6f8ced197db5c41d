import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { type HelloContext, helloDigest, helloMessage } from '../../src/message/hello.ts';
import { flipped } from '../mutation.ts';

const SEED = 40_303;

const CONTEXT: HelloContext = {
  nonce: new Uint8Array(32).fill(1),
  binding: { type: 'tls-exporter', value: new Uint8Array(32).fill(2) },
  audience: 'verifier',
  terminal: 'terminal-1',
};

const ids = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/);
const contexts: fc.Arbitrary<HelloContext> = fc.record({
  nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  binding: fc.record({
    type: fc.constantFrom('tls-exporter' as const, 'tls-server-end-point' as const),
    value: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
  audience: ids,
  terminal: ids,
});

/** SPEC.md 6.2 once more, in other words. */
function written({ nonce, binding, audience, terminal }: HelloContext): Buffer {
  const parts = [nonce, Buffer.from(binding.type), binding.value, Buffer.from(audience), Buffer.from(terminal)];
  const prefixed = parts.flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  return Buffer.concat([Buffer.from('mtm-attest/v1 hello\0'), ...prefixed]);
}

describe('what a hello signs', () => {
  it('is label and length-prefixed fields (F-67)', () => {
    const property = fc.property(contexts, (context) => {
      expect(toHex(helloMessage(context))).to.equal(written(context).toString('hex'));
      const digest = createHash('sha256').update(written(context)).digest('hex');
      expect(toHex(helloDigest(context, nodeCrypto.sha256))).to.equal(digest);
    });
    fc.assert(property, { seed: SEED });
  });

  it('changes with nonce, channel, audience and terminal, so that none serves for another (F-03, F-05)', () => {
    const others: readonly HelloContext[] = [
      { ...CONTEXT, nonce: flipped(CONTEXT.nonce, 0) },
      { ...CONTEXT, binding: { ...CONTEXT.binding, type: 'tls-server-end-point' } },
      { ...CONTEXT, binding: { ...CONTEXT.binding, value: flipped(CONTEXT.binding.value, 255) } },
      { ...CONTEXT, audience: 'verifier-2' },
      { ...CONTEXT, terminal: 'terminal-2' },
      { ...CONTEXT, audience: 'verifiert', terminal: 'erminal-1' },
    ];
    const messages = [CONTEXT, ...others].map((context) => toHex(helloMessage(context)));
    expect(new Set(messages).size).to.equal(messages.length);
  });

  it('is no two contexts at once (F-67)', () => {
    const property = fc.property(contexts, contexts, (a, b) => {
      if (toHex(helloMessage(a)) === toHex(helloMessage(b))) expect(a).to.deep.equal(b);
    });
    fc.assert(property, { seed: SEED });
  });
});
