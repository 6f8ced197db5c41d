export { loadConfig } from './config/load.ts';
export type { Config } from './config/schema.ts';
export { assemble as createVerifier } from './daemon/assemble.ts';
export type { Daemon } from './daemon/daemon.ts';
export { createLog, type Log } from './daemon/log.ts';
export { VERIFIER_CODES, type VerifierCode, VerifierError } from './error.ts';
export { signManifest } from './reference/sign-manifest.ts';
