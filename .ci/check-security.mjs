// Holds the table of SECURITY.md against the tree: every file named there exists, every test names its attack, and every attack number that
// the sources use is explained there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HEADER = ['attack', 'what it is', 'code', 'test'];
const PENDING = /<!--\s*pending\b.*?-->/gs;
const NUMBER = /\bF-\d{2}\b/g;
const SEARCHED = ['protocol', 'agent', 'verifier', 'vectors'].flatMap((name) => [`${name}/src`, `${name}/test`]);

const faults = [];

/** The cells of each line that looks like a row of a Markdown table. */
function rowsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .replace(/^\||\|\s*$/g, '')
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** Rows between the header and the end of its table. */
function tableOf(text) {
  const rows = rowsOf(text);
  const header = rows.findIndex((cells) => HEADER.every((name, i) => cells[i] === name));
  if (header === -1) faults.push(`no table with the columns ${HEADER.join(' | ')}`);
  return rows.slice(header + 2);
}

function pathsOf(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path);
}

function checkRow(cells) {
  const [attack, meaning, code, test] = cells;
  if (cells.length !== HEADER.length || !/^F-\d{2}$/.test(attack) || meaning === '') {
    faults.push(`not a row of the table: ${cells.join(' | ')}`);
    return;
  }
  for (const [column, paths] of Object.entries({ code: pathsOf(code), test: pathsOf(test) })) {
    if (paths.length === 0) faults.push(`${attack}: names no ${column}`);
    for (const path of paths) {
      if (!existsSync(join(ROOT, path))) faults.push(`${attack}: ${path} does not exist`);
      else if (column === 'test' && !readFileSync(join(ROOT, path), 'utf8').includes(attack)) {
        faults.push(`${attack}: ${path} does not name it`);
      }
    }
  }
}

function checkOrder(attacks) {
  attacks.forEach((attack, i) => {
    if (i > 0 && attack <= attacks[i - 1]) faults.push(`${attack}: stands twice or out of order`);
  });
}

/** Attack numbers in the sources that the text does not explain. */
function checkSources(explained) {
  for (const folder of SEARCHED.filter((path) => existsSync(join(ROOT, path)))) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true }).filter((path) => path.endsWith('.ts'))) {
      const used = new Set(readFileSync(join(ROOT, folder, file), 'utf8').match(NUMBER) ?? []);
      for (const attack of used) {
        if (!explained.has(attack))
          faults.push(`${attack}: ${folder}/${file} names it, SECURITY.md does not explain it`);
      }
    }
  }
}

const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const rows = tableOf(text.replaceAll(PENDING, ''));
const pending = (text.match(PENDING) ?? []).flatMap(rowsOf).map(([attack]) => attack);
const filled = rows.map(([attack]) => attack);
rows.forEach(checkRow);
checkOrder(filled);
for (const attack of pending) if (filled.includes(attack)) faults.push(`${attack}: both in the table and pending`);
checkSources(new Set(text.match(NUMBER)));

for (const fault of faults) process.stderr.write(`SECURITY.md: ${fault}\n`);
process.stdout.write(
  `security: ${rows.length} attacks with code and test, ${pending.length} pending, ${faults.length} faults\n`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
