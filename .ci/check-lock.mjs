// Holds package-lock.json to what this project promises about its dependencies (F-97): they run on the oldest supported Node, come from no
// particular registry, have a digest, run no install script that we do not know, and carry a permissive licence.
import { readFileSync } from 'node:fs';
import { admits } from './node-range.mjs';

const OLDEST_NODE = [20, 19, 0];

// Both packages work without theirs: the script only replaces a launcher or reports a missing prebuilt file.
const KNOWN_SCRIPTS = new Set(['esbuild', 'msgpackr-extract']);

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** `A OR B` needs one permissive licence, `A AND B` needs both. */
function isPermissive(expression) {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => PERMISSIVE.has(licence)));
}

/** What is wrong with one entry of the lock, in words. */
function faultsOf(entry, name) {
  const faults = [];
  const range = entry.engines?.node;
  if (range !== undefined && entry.optional !== true && !admits(range, OLDEST_NODE)) {
    faults.push(`needs Node ${range}, we promise ${OLDEST_NODE.join('.')}: make the lock on Node 20`);
  }
  if (entry.resolved !== undefined) faults.push(`names where it comes from: ${entry.resolved}`);
  if (entry.integrity === undefined) faults.push('has no integrity digest');
  if (entry.hasInstallScript === true && !KNOWN_SCRIPTS.has(name)) faults.push('runs a script when installed');
  if (!isPermissive(entry.license ?? 'none')) faults.push(`has the licence ${entry.license ?? '(none stated)'}`);
  return faults;
}

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const MODULES = 'node_modules/';
const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes(MODULES) && link !== true);
let faults = 0;
for (const [path, entry] of foreign) {
  const name = path.slice(path.lastIndexOf(MODULES) + MODULES.length);
  for (const fault of faultsOf(entry, name)) {
    process.stderr.write(`package-lock.json: ${name}@${entry.version} ${fault}\n`);
    faults += 1;
  }
}
const shipped = foreign.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);
process.stdout.write(`lock: ${foreign.length} packages, ${shipped.length} of them shipped, ${faults} faults\n`);
process.exitCode = faults === 0 ? 0 : 1;
