import {
  CelReplay,
  type CryptoSuite,
  equalBytes,
  type HashName,
  ProtocolError,
  parseImaSignature,
  readCelJson,
  readCelTlv,
  replayImaList,
  replayTcgLog,
  resetValue,
  toHex,
} from '@mtm-attest/protocol';
import { type Plain, toPlain } from '../format/plain.ts';
import type { Implementation } from './implementation.ts';

type MeasuredLogs = Required<Pick<Implementation, 'tcgLog' | 'imaList' | 'imaSignature' | 'celLog'>>;

const BANKS = ['sha1', 'sha256'] as const;

export function measuredLogsOf(suite: CryptoSuite): MeasuredLogs {
  return {
    tcgLog: (input) => {
      const { format, logs, records, pcrs } = replayTcgLog(input, suite);
      return { format, logs, records, pcrs: moved((bank) => pcrs[bank]) };
    },
    imaList: (rule, input) => {
      const { form, entries, state } = replayImaList(input, suite, { banks: BANKS, rule });
      const values = (bank: HashName): readonly (Uint8Array | undefined)[] => {
        const all: (Uint8Array | undefined)[] = [];
        for (const [pcr, value] of state.pcrs[bank] ?? []) all[pcr] = value;
        return all;
      };
      return { form, entries, pcrs: moved(values) };
    },
    imaSignature: (input) => toPlain(parseImaSignature(input)),
    celLog: ({ encoding, numbering }, input) => {
      const replay = new CelReplay(suite, { numbering });
      if (encoding === 'json') readCelJson(input, (record) => void replay.take(record));
      else {
        const read = readCelTlv(input, (record, offset) => void replay.take(record, offset));
        if (read.records === 0 || read.bytes < input.length) throw new ProtocolError('cel.truncated', read.bytes);
      }
      const { records, nvRecords, pcrs } = replay.result();
      return { records, nvRecords, pcrs: moved((bank) => pcrs[bank]) };
    },
  };
}

/** `[bank, index, value]` of every PCR that follows from the log and is not at its reset value. */
function moved(values: (bank: HashName) => readonly (Uint8Array | undefined)[]): Plain {
  return BANKS.flatMap((bank) =>
    [...values(bank).entries()].flatMap(([pcr, value]) => {
      return value === undefined || equalBytes(value, resetValue(bank, pcr)) ? [] : [[bank, pcr, toHex(value)]];
    }),
  );
}
