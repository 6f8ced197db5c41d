// The part of npm's version ranges that `engines` fields use, so that the check needs no package of its own.

const COMPARATOR = /^(>=|<=|>|<|=|\^|~)?v?(\d+|x|\*)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?(?:-[\w.-]+)?$/i;

/**
 * Whether a range admits a version.
 *
 * @param {string} range as in `^20.19.0 || >=22.12`
 * @param {readonly [number, number, number]} version
 * @throws {RangeError} on syntax that is not understood
 */
export function admits(range, version) {
  return range.split('||').some((alternative) => {
    const hyphen = /^\s*(\S+)\s+-\s+(\S+)\s*$/.exec(alternative);
    const comparators = hyphen === null ? tokens(alternative) : [`>=${hyphen[1]}`, `<=${hyphen[2]}`];
    return comparators.every((comparator) => holds(comparator, version));
  });
}

function tokens(alternative) {
  return alternative
    .replaceAll(/([<>=^~])\s+/g, '$1')
    .split(/\s+/)
    .filter((token) => token !== '');
}

function holds(comparator, version) {
  const match = COMPARATOR.exec(comparator);
  if (match === null) throw new RangeError(`not understood: ${comparator}`);
  const [, operator = '', ...parts] = match;
  const given = parts.filter((part) => part !== undefined && /^\d+$/.test(part)).map(Number);
  if (given.length === 0) return true;
  const low = [given[0], given[1] ?? 0, given[2] ?? 0];
  // the first version above everything that the written digits cover
  const next = above(low, given.length - 1);
  const isFull = given.length === 3;
  switch (operator) {
    case '>=':
      return compare(version, low) >= 0;
    case '<':
      return compare(version, low) < 0;
    case '>':
      return isFull ? compare(version, low) > 0 : compare(version, next) >= 0;
    case '<=':
      return isFull ? compare(version, low) <= 0 : compare(version, next) < 0;
    case '^':
      return within(version, low, above(low, Math.max(0, Math.min(leadingZeros(low), given.length - 1))));
    case '~':
      return within(version, low, above(low, Math.min(1, given.length - 1)));
    default:
      return isFull ? compare(version, low) === 0 : within(version, low, next);
  }
}

function above(version, position) {
  return version.map((part, at) => (at < position ? part : at === position ? part + 1 : 0));
}

function leadingZeros(version) {
  const at = version.findIndex((part) => part !== 0);
  return at === -1 ? 2 : at;
}

function within(version, low, next) {
  return compare(version, low) >= 0 && compare(version, next) < 0;
}

function compare(a, b) {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at === -1 ? 0 : a[at] - b[at];
}
