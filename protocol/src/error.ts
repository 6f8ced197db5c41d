/** Every refusal that this package can give: `area.reason`. A code is never renamed; its text may improve. */
export const PROTOCOL_CODES = {
  'bytes.text': 'the text is not strict UTF-8, holds a NUL, or leaves the alphabet of its field (F-50)',
  'bytes.hex': 'the text is not an even number of hexadecimal digits',
  'msgpack.truncated': 'the encoding ends inside a value (F-46)',
  'msgpack.trailing-bytes': 'bytes remain after the value (F-41)',
  'msgpack.not-canonical': 'an integer or a length is not in its shortest form (F-41)',
  'msgpack.type': 'floats, extensions, nil, negative integers and the reserved byte are not allowed (F-42, F-43)',
  'msgpack.length': 'a declared length is larger than what is left (F-46)',
  'msgpack.depth': 'arrays and maps are nested deeper than 16 (F-45)',
  'msgpack.text': 'a text is not strict UTF-8 or holds a NUL (F-50)',
  'msgpack.key-type': 'a map key is not a short text (F-42)',
  'msgpack.key-order': 'map keys are not in ascending order (F-41)',
  'msgpack.key-duplicate': 'a map key stands twice (F-40)',
  'msgpack.key-forbidden': 'a map key names a part of every object (F-44)',
  'log.malformed': 'the bytes are no record of the canonical event log',
  'log.truncated': 'the last record is cut off',
  'log.event-type': 'the content is no known event (F-27)',
  'log.event-pcr': 'the event stands in a PCR that is not its own (F-27)',
  'log.event-fields': 'the fields are not those of this event (F-27)',
  'log.list': 'the bytes are no component list: pairs of name and digest, names ascending',
  'ima.malformed':
    'the bytes are no entry of an IMA measurement list, or its known template has other fields; a path that holds a newline needs the binary list',
  'ima.truncated': 'the list is empty, or its last entry is cut off',
  'ima.template': 'the fields of this template are unknown: give the binary list',
  'ima.pcr': 'an entry stands in a PCR above 23',
  'ima.limit': 'the list has more than 1000000 entries, or an entry more than 1 MiB (F-29)',
  'ima.signature': 'the bytes are no file signature of version 2 with exactly its length',
  'tcg-log.empty': 'the file holds no record of a TCG event log',
  'tcg-log.header': 'the first record is none of a TCG event log, or its Spec ID event is malformed or stands twice',
  'tcg-log.truncated': 'the last record, or the last log, is cut off',
  'tcg-log.length': 'the length before a log is shorter than any log',
  'tcg-log.pcr': 'a record names a PCR above 23 (F-27)',
  'tcg-log.digests': 'a record has no digest, one of a bank twice, or one of a bank that the header does not list',
  'tcg-log.event-size': 'the data of an event is longer than 1 MiB (F-29)',
  'tcg-log.too-long': 'the log has more than 1,000,000 records (F-29)',
  'tcg-log.padding': 'bytes that are not zero stand behind the padding after the last record',
  'tcg-log.startup-locality':
    'the startup locality is none of 0, 3 and 4, stands twice, or comes after PCR 0 was extended',
  'tcg-log.event-data': 'the data of an event does not have the form of its type',
  'cel.malformed': 'the bytes are no record of a canonical event log in this encoding',
  'cel.json': 'the text is no canonical event log in JSON: an array of records, no other member and none twice',
  'cel.truncated': 'the log is empty, or its last record is cut off',
  'cel.recnum': 'a record is not numbered as the rule says: from 0, by one, per index or over the whole log',
  'cel.index': 'a record names neither a PCR below 24 nor an NV index of 0x20000000 to 0x20ffffff',
  'cel.digests': 'a record has no digest, one algorithm twice, or a digest of another length than its algorithm has',
  'cel.content-type': 'the content is of a reserved or unknown type',
  'cel.limit': 'the log has more than 1000000 records, or content of more than 1 MiB, or 64 MiB of JSON or CBOR (F-29)',
  'message.too-long': 'the message is longer than 65536 bytes (F-56)',
  'message.type': 'the message is not a map with a known type (F-42)',
  'message.direction': 'the other side sends this message (F-59)',
  'message.field': 'a field is missing, unknown, of another type or out of bounds (F-42)',
  'enrolment.token-malformed': 'the text is not an enrolment token of this version',
  'manifest.malformed': 'the signed manifest does not have the form of SPEC.md 8',
  'session.unexpected-message': 'this message is not allowed in this state (F-59)',
  'tpm.truncated': 'the structure ends inside a field (F-19)',
  'tpm.trailing-bytes': 'bytes remain after the last field (F-19)',
  'tpm.value': 'a field holds a value that the standard does not allow there',
  'tpm.selection-text': 'the selection is not written as in sha256:0,1,7+sha1:0',
  'file.pem': 'the text is not one PEM public key that re-encodes to the same text',
  'file.signature':
    'the bytes are no plain signature of this key: DER or r and s for ECDSA, as long as the modulus for RSA',
  'file.pcrs':
    'the bytes are no PCR file: neither serialized, nor the values of the selection, nor JSON {bank: {index: hex}}',
  'file.pcrs-padding': 'a part of the PCR file that holds no value is not zero',
  'pcr.value-missing': 'a selected PCR has no value',
  'pcr.value-length': 'a PCR value is not as long as its bank says',
  'pcr.digest': 'the PCR values do not give the quoted digest',
  'key.attributes': 'the key is not a restricted signing key with exactly the attributes of an AK (F-09)',
  'key.parameters': 'the key, its curve, size, exponent, scheme or hash is not allowed (F-10, F-63, F-64)',
  'quote.magic': 'the structure does not begin with TPM_GENERATED_VALUE',
  'quote.type': 'the structure is an attestation of another type than a quote (F-18)',
  'quote.signer': 'the quote names another signer than the enrolled key (F-08)',
  'quote.selection': 'the quote covers another PCR selection than asked for (F-15)',
  'quote.nonce': 'the quote carries other qualifying data than expected (F-01)',
  'signature.algorithm': 'the signature names another scheme or hash than the key has (F-17)',
  'signature.invalid': 'the signature does not verify',
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
