import {
  type CryptoSuite,
  decodeEvent,
  encodeComponentList,
  encodeEvent,
  encodeRecord,
  LogReplay,
  parseComponentList,
  prefixDigest,
  readRecords,
  Writer,
} from '@mtm-attest/protocol';
import { type Plain, toPlain } from '../format/plain.ts';
import type { Implementation } from './implementation.ts';

type EventLog = Required<Pick<Implementation, 'records' | 'event' | 'componentList' | 'replay'>>;

export function eventLogOf({ sha256 }: CryptoSuite): EventLog {
  return {
    records: (input) => {
      const value: Plain[] = [];
      const encoded = new Writer();
      readRecords(input, 0, (pcr, content) => {
        value.push(toPlain({ pcr, content, digest: sha256(content) }));
        encoded.bytes(encodeRecord(pcr, content));
      });
      return { value, encoded: encoded.done() };
    },
    event: (pcr, content) => {
      const event = decodeEvent(pcr, content);
      return { value: toPlain(event), encoded: encodeEvent(event) };
    },
    componentList: (input) => {
      const list = parseComponentList(input);
      return { value: toPlain(list), encoded: encodeComponentList(list) };
    },
    replay: ({ start, slices }) => {
      const replay = new LogReplay(sha256, start);
      for (const slice of slices) replay.feed(slice);
      const pcrs = replay.values();
      return { count: replay.count, pcrs, prefix: prefixDigest(replay.count, pcrs, sha256) };
    },
  };
}
