import { nobleCrypto } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Implementation } from '../implementation/implementation.ts';
import { protocolImplementation } from '../implementation/protocol.ts';

/** The protocol package over each implementation of the cryptography. Noble has no RSA; what it has, both must have decided. */
export const BUILT_IN: readonly Implementation[] = [nodeCrypto, nobleCrypto].map(protocolImplementation);
