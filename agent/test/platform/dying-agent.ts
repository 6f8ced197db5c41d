import type { TrustedPlatform } from '../../src/platform/platform.ts';
import { PowerCut } from '../storage/cut-files.ts';

/** The platform of an agent that dies at its extend number `extend`: before the TrE does it, or after. The TrE lives on. */
export function dyingAtExtend(platform: TrustedPlatform, extend: number, done: boolean): TrustedPlatform {
  let left = extend;
  const extendOrDie = async (pcr: number, digest: Uint8Array): Promise<void> => {
    if (left < 0) throw new PowerCut();
    left -= 1;
    if (left >= 0 || done) await platform.extend(pcr, digest);
    if (left < 0) throw new PowerCut();
  };
  return new Proxy(platform, {
    get: (target, name) => {
      if (name === 'extend') return extendOrDie;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
