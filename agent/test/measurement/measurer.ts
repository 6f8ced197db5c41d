/** A process that measures every file of a directory as one audited set, and prints the digest of the list. Argument: the directory. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@mtm-attest/protocol';
import { AuditedSet } from '../../src/measurement/audited-set.ts';

const directory = process.argv[2] ?? '';
const audited = new AuditedSet();
for (const name of readdirSync(directory)) audited.add(name, join(directory, name));
process.stdout.write(toHex((await audited.measure()).digest));
