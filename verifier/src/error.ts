/** Every failure of the verifier that an operator can act on: `area.reason`, what it is, a colon, and what to do next. */
export const VERIFIER_CODES = {
  'config.invalid': 'the configuration does not hold: correct the keys named',
  'config.unreadable': 'a file that the configuration names cannot be read: correct its path or its permissions',
  'config.binding':
    'the channel binding tls-server-end-point needs a P-256 certificate: use one, or configure tls-exporter',
  'listen.failed':
    'the daemon cannot listen at this address: stop what listens there, or configure another address or port',
  'store.unavailable': 'no SQLite engine is there: install the optional dependency libsql, or run Node 22.13 or later',
  'store.parameter': 'a value of a type that the store does not take was about to be written, and was not: report it',
  'store.value': 'the store holds a value that the verifier did not write: restore it from a backup',
  'store.schema-newer': 'the store was written by a newer version of the verifier: run that version',
  'store.schema-changed':
    'the store was made by other migrations than those of this version: run the version that made it',
  'store.failed': 'the store did not take the transaction; nothing of it was recorded: look at the disk',
  'store.uncertain':
    'the store did not say whether it took the transaction; nothing of it was acknowledged: look at the disk and restart',
  'reference.signature': 'too few trusted keys signed the manifest: configure its signer, or have it signed',
  'reference.key': 'the key is neither an Ed25519 nor a P-256 key in PEM: name another file',
  'reference.sequence':
    'a manifest with a higher sequence was accepted before: publish with a sequence above it (F-30)',
  'reference.minimum': 'the manifest lowers the minimum release, which never goes down: raise its minimum (F-30)',
  'reference.conflict': 'another document of this sequence was accepted before: publish with a higher sequence (F-30)',
  'reference.issuer': 'another issuer publishes for this model: publish under its name (F-33)',
  'reference.document': 'the document does not describe a manifest: correct the fields named',
  'reference.golden':
    'the logs cannot be taken as Reference Values: take them from a machine in order, whose firmware uses the SHA-256 bank',
  'key.jwk': 'the key is no public JWK on P-256 or P-384: name another file',
  'ear.key': 'the key that signs results is not a private P-256 key in PEM: name another file',
  'ear.form': 'the file is neither a JWT of three segments nor claims in JSON: fetch it again',
  'ear.algorithm': 'the result is signed by another algorithm than the key allows: trust nothing of it',
  'ear.signature':
    'the signature of the result does not hold under the key: give the key of its verifier, or trust nothing of it',
  'ear.profile': 'the result follows a profile that is not known here: ask its verifier for draft-ietf-rats-ear-03',
  'ear.claims': 'the claims are not those of an EAR: report it to its verifier',
  'ear.status': 'a status claims more trust than what it stands on: trust nothing of it',
  'ear.expired': 'the result is not valid at this time: ask for a newer one',
  'corim.form': 'the file is neither an unsigned CoRIM (tag 501) nor a COSE_Sign1 (tag 18): name another file',
  'corim.cbor': 'the bytes are not strict CBOR: have the document made anew',
  'corim.limit': 'the document is larger, deeper or denser than this verifier reads: have it split',
  'corim.header': 'the protected header is not that of a signed CoRIM: have the document signed anew',
  'corim.algorithm': 'the document is signed by another algorithm than the key allows: trust nothing of it',
  'corim.signature':
    'the signature of the document does not hold under the key: give the key of its signer, or trust nothing of it',
  'corim.validity': 'the document is not valid at this time: ask its signer for a newer one',
  'corim.schema': 'the document is not a CoRIM that is understood here: have the part named corrected',
  'corim.profile': 'the profile is not known here, or the document breaks its rules: have the part named corrected',
  'enrolment.token-invalid': 'the token is unknown, has expired or is not for this terminal: make a new one',
  'token.class':
    'this verifier knows no root of endorsement certificates, without which a token of this class enrols nobody: make one for tpm-unproven',
  'terminal.unknown': 'no terminal of this id is enrolled: look at the list of terminals',
  'terminal.nothing-open': 'there is nothing about this terminal that waits for a person: look at its verdict',
  'terminal.not-connected': 'the terminal is not connected to this verifier: try again once it is',
  'request.invalid': 'the request does not have the form that /openapi.json states',
  'request.unauthorized': 'the request carries no valid token: send Authorization: Bearer with the API token',
  'request.not-found': 'there is nothing at this address: look at /openapi.json',
  'request.too-large': 'the body is larger than this address takes: send less',
  'verifier.draining': 'the verifier is stopping: ask again once it runs',
  'verifier.malfunction': 'the verifier met a defect of its own: look at its log and report it',
  'option.signature-form':
    'neither the key nor the signature says by which scheme and hash it was signed: give --hash, and --scheme for RSA',
  'option.ima-template-hash':
    'a bank other than sha1 leads elsewhere by each of the two rules of kernels: give --ima-template-hash per-bank (Linux 5.8 and later) or padded (before)',
  'file.unreadable': 'the file cannot be read: correct its path or its permissions',
  'file.unwritable': 'the file cannot be written, or is there already: name another one',
  'init.exists': 'the directory already holds a file that would be written: name another directory',
  'option.invalid': 'the options do not fit: look at --help',
  'demo.command': 'a command of the demonstration ended by itself: look at what it said',
  'demo.events': 'the simulator told something that nobody understands: run commands of one version',
  'api.refused': 'the API of the verifier refused: see the reason',
  'api.unreachable': 'the API of the verifier does not answer: start it, or correct the address in the configuration',
} as const;

export type VerifierCode = keyof typeof VERIFIER_CODES;

/** A broken environment or a refused request, by code. A failed check of evidence is a finding in a result, never one of these. */
export class VerifierError extends Error {
  override readonly name = 'VerifierError';
  readonly code: VerifierCode;
  /** what exactly, in words for an operator; no secrets */
  readonly detail: string | undefined;

  constructor(code: VerifierCode, detail?: string, options?: ErrorOptions) {
    super(`${code}: ${VERIFIER_CODES[code]}${detail === undefined ? '' : ` (${detail})`}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** The two halves of a code's text. */
export function explainCode(code: VerifierCode): { readonly meaning: string; readonly next: string } {
  const text = VERIFIER_CODES[code];
  const at = text.indexOf(': ');
  return { meaning: text.slice(0, at), next: text.slice(at + 2) };
}
