import { toHex } from '@mtm-attest/protocol';
import { fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Form: note('FORMAT', 'a text that is no token of this version is taken for one'),
  Url: note('CONFUSION', 'the terminal talks to somebody else, or without TLS', 'F-60'),
  Id: note('ENCODING', 'an id that is a path or two ids at once', 'F-50', 'F-93'),
  Class: note('PRIVILEGE', 'a class that the operator did not give'),
  Secret: note('WEAK_SECRET', 'a secret or a root digest of another length is compared'),
};

const ROOT = fill(32, 0xa1);
const SECRET = fill(32, 0x5e);
const GOOD = ['mtm1', 'wss://verifier.example:7443', toHex(ROOT), 'terminal-1', 'software', toHex(SECRET)] as const;

function changed(at: number, part: string): string {
  return GOOD.map((one, i) => (i === at ? part : one)).join('~');
}

const FAULTS: readonly (readonly [comment: string, flag: keyof typeof NOTES, text: string])[] = [
  ['nothing', 'Form', ''],
  ['another version', 'Form', changed(0, 'mtm2')],
  ['no version', 'Form', GOOD.slice(1).join('~')],
  ['a part less', 'Form', GOOD.slice(0, -1).join('~')],
  ['a part more', 'Form', `${GOOD.join('~')}~`],
  ['more than 1024 characters', 'Form', changed(1, `wss://verifier.example/${'a'.repeat(1024)}`)],
  ['without TLS', 'Url', changed(1, 'ws://verifier.example:7443')],
  ['https', 'Url', changed(1, 'https://verifier.example:7443')],
  ['a name and a password', 'Url', changed(1, 'wss://user:password@verifier.example')],
  ['a query', 'Url', changed(1, 'wss://verifier.example/?a=b')],
  ['a fragment', 'Url', changed(1, 'wss://verifier.example/#a')],
  ['no host', 'Url', changed(1, 'wss://')],
  ['no URL', 'Url', changed(1, 'verifier')],
  ['a root digest of 31 bytes', 'Secret', changed(2, toHex(fill(31, 1)))],
  ['a root digest of SHA-1', 'Secret', changed(2, toHex(fill(20, 1)))],
  ['a root digest that is not hexadecimal', 'Secret', changed(2, 'g'.repeat(64))],
  ['a terminal with capital letters', 'Id', changed(3, 'Terminal-1')],
  ['a path as terminal', 'Id', changed(3, '../terminal')],
  ['no terminal', 'Id', changed(3, '')],
  ['an unknown class', 'Class', changed(4, 'hardware')],
  ['no class', 'Class', changed(4, '')],
  ['a class with a capital letter', 'Class', changed(4, 'Software')],
  ['a secret of 16 bytes', 'Secret', changed(5, toHex(fill(16, 1)))],
  ['no secret', 'Secret', changed(5, '')],
];

/** The one string that an operator hands to a terminal. */
export function enrolmentTokenDraft(): Draft {
  const token = (comment: string, url: string, kind: string): DraftTest =>
    valid(comment, {
      text: ['mtm1', url, toHex(ROOT), 'terminal-1', kind, toHex(SECRET)].join('~'),
      value: { url, rootDigest: ROOT, terminal: 'terminal-1', class: kind, secret: SECRET },
    });
  const tests = [
    token('of a software TrE', 'wss://verifier.example:7443', 'software'),
    token('of a simulated one, with a path', 'wss://127.0.0.1:7443/attest', 'simulated'),
    token('of a TPM not proven', 'wss://[::1]:7443', 'tpm-unproven'),
    token('of an endorsed TPM', 'wss://verifier.example', 'tpm-endorsed'),
    ...FAULTS.map(([comment, flag, text]) => invalid(comment, flag, 'enrolment.token-malformed', { text })),
  ];
  return { file: 'enrolment-token', notes: NOTES, groups: [{ type: 'EnrolmentToken', tests }] };
}
