import { type HelloContext, helloDigest, helloMessage, utf8 } from '@mtm-attest/protocol';
import { bytes, fill, flipped } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';
import { EcdsaKey, otherForm, sha256 } from './keys.ts';

const NOTES = {
  Replay: note('REPLAY', 'a recorded hello opens a session', 'F-01'),
  Relay: note('RELAY', 'a hello made for another connection or verifier opens a session', 'F-03', 'F-58'),
  Identity: note('IDENTITY', 'a terminal speaks in the name of another one', 'F-04'),
  Forged: note('VERIFICATION', 'a stranger opens a session in the name of a terminal', 'F-62'),
  Ambiguity: note('CONCATENATION', 'one signature is for two contexts', 'F-67'),
  Confusion: note('DOMAIN_SEPARATION', 'a signature over something else is a hello', 'F-32', 'F-68'),
  HighS: note('INTEROPERABILITY', 'hardware that gives a high s is refused', 'F-61'),
};

const KEY = new EcdsaKey('hello');

const CONTEXT: HelloContext = {
  nonce: sha256(utf8('greeting')),
  binding: { type: 'tls-exporter', value: fill(32, 0xee) },
  audience: 'operator-1',
  terminal: 'terminal-1',
};

const DIFFERENCES: readonly (readonly [string, keyof typeof NOTES, Partial<HelloContext>])[] = [
  ['another greeting', 'Replay', { nonce: sha256(utf8('greeting 2')) }],
  ['another connection', 'Relay', { binding: { type: 'tls-exporter', value: fill(32, 0xef) } }],
  ['another type of binding', 'Relay', { binding: { type: 'tls-server-end-point', value: fill(32, 0xee) } }],
  ['no binding', 'Relay', { binding: { type: 'none', value: new Uint8Array() } }],
  ['another verifier', 'Relay', { audience: 'operator-2' }],
  ['another terminal', 'Identity', { terminal: 'terminal-2' }],
  ['a letter moved from audience to terminal', 'Ambiguity', { audience: 'operator-', terminal: '1terminal-1' }],
];

function fields(context: HelloContext, signature: Uint8Array): Readonly<Record<string, unknown>> {
  return { ...context, signature };
}

function forgeries(): readonly DraftTest[] {
  const signature = KEY.sign(helloMessage(CONTEXT));
  const wrong = (comment: string, flag: keyof typeof NOTES, change: Uint8Array): DraftTest =>
    invalid(comment, flag, 'signature.invalid', fields(CONTEXT, change));
  const message = helloMessage(CONTEXT);
  return [
    wrong('by another key', 'Forged', new EcdsaKey('hello, other').sign(message)),
    wrong('a bit flipped', 'Forged', flipped(signature, 300)),
    wrong('zeros', 'Forged', fill(64, 0)),
    wrong('one byte less', 'Forged', signature.subarray(0, 63)),
    wrong('nothing', 'Forged', new Uint8Array()),
    wrong('over the digest, hashed once more', 'Confusion', KEY.sign(helloDigest(CONTEXT, sha256))),
    wrong('without the label', 'Confusion', KEY.sign(message.subarray(utf8('mtm-attest/v1 hello\0').length))),
    wrong('over the nonce alone', 'Confusion', KEY.sign(CONTEXT.nonce)),
    wrong('over a byte more', 'Ambiguity', KEY.sign(bytes(message, '00'))),
  ];
}

/** The hello's signature. */
export function helloDraft(): Draft {
  const made = (context: HelloContext): Uint8Array => KEY.sign(helloMessage(context));
  const endPoint: HelloContext = { ...CONTEXT, binding: { type: 'tls-server-end-point', value: fill(32, 0xcc) } };
  const digest = (context: HelloContext): Uint8Array => helloDigest(context, sha256);
  const tests: readonly DraftTest[] = [
    valid('over a direct connection', { ...fields(CONTEXT, made(CONTEXT)), digest: digest(CONTEXT) }),
    valid('behind a load balancer', { ...fields(endPoint, made(endPoint)), digest: digest(endPoint) }),
    valid('with the high s', { ...fields(CONTEXT, otherForm(made(CONTEXT))), digest: digest(CONTEXT) }, ['HighS']),
    ...DIFFERENCES.map(([comment, flag, change]) =>
      invalid(comment, flag, 'signature.invalid', fields(CONTEXT, made({ ...CONTEXT, ...change }))),
    ),
    ...forgeries(),
  ];
  return {
    file: 'hello',
    notes: NOTES,
    groups: [{ type: 'Hello', fields: { algorithm: 'ecdsa-p256', spki: KEY.spki }, tests }],
  };
}
