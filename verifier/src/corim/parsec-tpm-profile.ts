import type { AttestKeyTriple, Comid, ReferenceTriple } from './comid.ts';
import type { Measurement } from './measurement.ts';
import type { ProfileFault } from './profile.ts';

/** PCR values as Reference Values: the key of a measurement is the number of the PCR. The attestation key of an instance is its trust anchor. */
export const PARSEC_TPM_PROFILE = 'tag:github.com/parallaxsecond,2023-03-03:tpm';

const LAST_PCR = 23;

/** The first fault, or none: environments are named by a UUID, every measurement has a PCR and digests, every instance one key. */
export function parsecTpmFault(tags: readonly Comid[]): ProfileFault | undefined {
  return first(tags, 'tags', ({ references, attestKeys }) => {
    const fault =
      first(references, 'reference-triples', referenceFault) ?? first(attestKeys, 'attest-key-triples', attestKeyFault);
    return fault === undefined ? undefined : { ...fault, path: `triples.${fault.path}` };
  });
}

function referenceFault({ environment, measurements }: ReferenceTriple): ProfileFault | undefined {
  return classFault(environment.classId) ?? within('[1]', first(measurements, '', measurementFault));
}

function classFault(classId: string | undefined): ProfileFault | undefined {
  if (classId?.startsWith('uuid:') === true) return undefined;
  return { path: '[0].class.class-id', what: 'not a UUID' };
}

function measurementFault({ key, digests }: Measurement): ProfileFault | undefined {
  if (typeof key !== 'number' || key > LAST_PCR) return { path: 'mkey', what: 'not the number of a PCR' };
  return digests === undefined ? { path: 'mval.digests', what: 'missing' } : undefined;
}

function attestKeyFault({ environment, keys }: AttestKeyTriple): ProfileFault | undefined {
  const fault = classFault(environment.classId);
  if (fault !== undefined) return fault;
  if (environment.instance === undefined) return { path: '[0].instance', what: 'missing' };
  if (keys.length !== 1) return { path: '[1]', what: `${keys.length} keys instead of one` };
  return keys[0]?.form === 'pkix-key' ? undefined : { path: '[1][0]', what: 'not a public key' };
}

/** The first fault of a list's members, its path led by the list's name and the place. */
function first<T>(
  members: readonly T[],
  name: string,
  faultOf: (member: T) => ProfileFault | undefined,
): ProfileFault | undefined {
  for (const [i, member] of members.entries()) {
    const fault = faultOf(member);
    if (fault !== undefined) return within(`${name}[${i}]`, fault);
  }
  return undefined;
}

function within(place: string, fault: ProfileFault | undefined): ProfileFault | undefined {
  if (fault === undefined) return undefined;
  return { ...fault, path: `${place}${fault.path.startsWith('[') ? '' : '.'}${fault.path}` };
}
