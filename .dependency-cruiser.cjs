// Which package may know which, and what no package has.
const anyOf = (...names) => `^(${names.join('|')})/`;
const PROTOCOL = '^protocol/src/';
const AGENT = '^agent/src/';
const VERIFIER = '^verifier/src/';
const VECTORS = '^vectors/src/';

module.exports = {
  forbidden: [
    {
      name: 'protocol-knows-no-other-package',
      comment: 'protocol is what both sides agree on: it stands below all others.',
      severity: 'error',
      from: { path: PROTOCOL },
      to: { path: [anyOf('agent', 'verifier', 'vectors'), '@mtm-attest/(agent|verifier|vectors)'] },
    },
    {
      name: 'agent-knows-protocol-only',
      comment: 'A terminal never carries code of its verifier. Tests and benchmarks may bring both together.',
      severity: 'error',
      from: { path: AGENT },
      to: { path: [anyOf('verifier', 'vectors'), '@mtm-attest/(verifier|vectors)'] },
    },
    {
      name: 'verifier-knows-protocol-only',
      comment: 'A verifier never trusts code of a terminal. Tests and benchmarks may bring both together.',
      severity: 'error',
      from: { path: VERIFIER },
      to: { path: [anyOf('agent', 'vectors'), '@mtm-attest/(agent|vectors)'] },
    },
    {
      name: 'vectors-know-protocol-only',
      comment: 'Another implementation is held against the vectors without our agent or verifier.',
      severity: 'error',
      from: { path: VECTORS },
      to: { path: [anyOf('agent', 'verifier'), '@mtm-attest/(agent|verifier)'] },
    },
    {
      name: 'packages-meet-at-their-entries',
      comment: 'Another package is imported by its name, as its users do, never by a path into its folder.',
      severity: 'error',
      from: { path: '^([a-z]+)/(src|bench|test)/' },
      to: { path: '^[a-z]+/src/', pathNot: '^$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-cycles',
      comment: 'An `import type` leaves nothing to load, so it closes no cycle.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'protocol-runs-in-any-engine',
      comment: 'Only the second entry, crypto/node.ts, may use what Node alone has.',
      severity: 'error',
      from: { path: PROTOCOL, pathNot: '^protocol/src/crypto/node\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'crypto-node-is-an-entry-of-its-own',
      comment: 'The first entry of protocol must load without node:crypto.',
      severity: 'error',
      from: { path: PROTOCOL },
      to: { path: '^protocol/src/crypto/node\\.ts$' },
    },
    {
      name: 'names-are-nouns-of-the-domain',
      comment: 'A folder or file is named after the one thing it holds, not after what kind of thing that is.',
      severity: 'error',
      from: {},
      to: { path: '/(util|utils|helper|helpers|common|misc|types)(/|\\.ts$)', pathNot: 'node_modules' },
    },
    {
      name: 'index-is-a-package-entry',
      comment: 'No barrels inside a package.',
      severity: 'error',
      from: { path: '^[a-z]+/' },
      to: { path: '/index\\.ts$', pathNot: ['node_modules', '^[a-z]+/src/index\\.ts$'] },
    },
    {
      name: 'nobody-inside-imports-the-entry',
      comment: 'Inside a package, import the file that holds the thing.',
      severity: 'error',
      from: { path: '^([a-z]+)/src/' },
      to: { path: '^$1/src/index\\.ts$' },
    },
    {
      name: 'sources-import-what-is-declared',
      comment: 'What ships depends on what its package.json lists.',
      severity: 'error',
      from: { path: '^[a-z]+/src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-peer', 'npm-bundled', 'deprecated'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'imports-resolve',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { path: '^[a-z]+/src/' },
      to: { path: '^[a-z]+/(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^[a-z]+/dist/' },
    combinedDependencies: false,
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['mtm-source', 'import', 'node', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
