import type { TrustedPlatform } from '../../src/platform/platform.ts';

/** The platform after a Resume, which the soft one never does and a TPM 2.0 may: restartCount is one higher, the PCRs are kept. */
export function afterResume(platform: TrustedPlatform): TrustedPlatform {
  const identity: TrustedPlatform['identity'] = async () => {
    const before = await platform.identity();
    return { ...before, boot: { ...before.boot, restartCount: before.boot.restartCount + 1 } };
  };
  return new Proxy(platform, {
    get: (target, name) => {
      if (name === 'identity') return identity;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
