/** Every refusal that this package can give: `area.reason`. A code is never renamed; its text may improve. */
export const PROTOCOL_CODES = {
  'bytes.text': 'the text is not strict UTF-8, holds a NUL, or leaves the alphabet of its field (F-50)',
  'bytes.hex': 'the text is not an even number of hexadecimal digits',
  'message.too-long': 'the message is longer than 65536 bytes (F-56)',
  'message.type': 'the message is not a map with a known type (F-42)',
  'message.direction': 'the other side sends this message (F-59)',
  'message.field': 'a field is missing, unknown, of another type or out of bounds (F-42)',
  'enrolment.token-malformed': 'the text is not an enrolment token of this version',
  'manifest.malformed': 'the signed manifest does not have the form of SPEC.md 8',
  'session.unexpected-message': 'this message is not allowed in this state (F-59)',
  'tpm.truncated': 'the structure ends inside a field (F-19)',
  'tpm.trailing-bytes': 'bytes remain after the last field (F-19)',
} as const;

export type ProtocolCode = keyof typeof PROTOCOL_CODES;

/** Bad input, by code. Everything that a peer or a file can get wrong is one of these; anything else thrown is a defect. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolCode;
  /** Bytes from the start of the input; absent where no byte is to blame. */
  readonly offset: number | undefined;

  constructor(code: ProtocolCode, offset?: number, options?: ErrorOptions) {
    super(`${code}${offset === undefined ? '' : ` at byte ${offset}`}: ${PROTOCOL_CODES[code]}`, options);
    this.code = code;
    this.offset = offset;
  }
}
