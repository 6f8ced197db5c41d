import { fromHex } from '../../src/bytes/text.ts';

/** A quote of a TPM emulator over SHA-256 PCRs 0, 1 (zero) and 10, by a throw-away AK in the endorsement hierarchy. */
export const EMULATOR_QUOTE = {
  /** TPMT_PUBLIC */
  akPublic: fromHex(
    '0023000b00050072000000100018000b00030010' +
      '002031060cb8640a12feddb4fa76b14f83f5e62ad5467bb0d9f3ecaf8cf599cb91a1' +
      '002003dfbceb7583d3c4a2d6fb7b0e119e6febfa80adb939fde97f8607871280509f',
  ),
  name: fromHex('000bacf87d4e31441ae373903368a8ae945adf2f6795fcdc6d2199084c4a73d5771f'),
  qualifiedName: fromHex('000bd653153ad20fc8696c58daa55692622ba6a9796f907e8a291515eca0566e9d01'),
  /** SHA-256 of "nonce" */
  qualifyingData: fromHex('78377b525757b494427f89014f97d79928f3938d14eb51e20fb5dec9834eb304'),
  selection: fromHex('00000001000b03030400'),
  pcr10: fromHex('ed3e31ddfc05890b8f86977c4ff8755d7d8bdfa4faecb0aa3f80d1a1187b33d6'),
  pcrDigest: fromHex('84cd32741cb0912fab9301664eda546c79b482243a8fb6357183f5d1cce640ad'),
  /** TPMS_ATTEST, 145 bytes */
  attest: fromHex(
    'ff54434780180022000bd653153ad20fc8696c58daa55692622ba6a9796f907e8a291515eca0566e9d01' +
      '002078377b525757b494427f89014f97d79928f3938d14eb51e20fb5dec9834eb304' +
      '0000000000000038000000010000000001201910230016363600000001000b03030400' +
      '002084cd32741cb0912fab9301664eda546c79b482243a8fb6357183f5d1cce640ad',
  ),
  /** TPMT_SIGNATURE */
  signature: fromHex(
    '0018000b00206ff985acad9fa74759326d516166e0534d46f47d60adfc8620f7a64e35f4fe78' +
      '00202702f17e340482fa99b89bf248cc0dedf345a136104eaf896db3fb3add9d5a8b',
  ),
} as const;
