// Types, promises and the project's own rules. Formatting and the fast general rules are biome's.
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { comments } from './.ci/comment-rule.mjs';

const PEER_IS_VERIFIED =
  'A TLS peer is always verified (F-60). The only exception is the look at the chain before the first contact.';
const forbidUnverifiedTls = [
  {
    selector: "Property[key.name='rejectUnauthorized']:not([value.value=true])",
    message: PEER_IS_VERIFIED,
  },
  {
    selector: "Property[key.value='rejectUnauthorized']:not([value.value=true])",
    message: PEER_IS_VERIFIED,
  },
  {
    selector: "AssignmentExpression[left.property.name='rejectUnauthorized']",
    message: PEER_IS_VERIFIED,
  },
  { selector: 'Identifier[name="NODE_TLS_REJECT_UNAUTHORIZED"]', message: PEER_IS_VERIFIED },
  { selector: 'Literal[value="NODE_TLS_REJECT_UNAUTHORIZED"]', message: PEER_IS_VERIFIED },
];

const forbidDoubleCast = {
  selector: 'TSAsExpression > TSAsExpression[typeAnnotation.type="TSUnknownKeyword"]',
  message: 'A cast through unknown hides a wrong type: parse or narrow.',
};

// Input is refused with the package's own error. RangeError stays allowed: it says that the calling code is wrong, never the input.
const UNTYPED = '/^(Error|TypeError|SyntaxError|EvalError|URIError|AggregateError)$/';
const USE_A_CODE = "Throw the package's error with a code; a defect of the calling code is a RangeError.";
const forbidUntypedErrors = [
  { selector: `ThrowStatement > NewExpression[callee.name=${UNTYPED}]`, message: USE_A_CODE },
  { selector: `ThrowStatement > CallExpression[callee.name=${UNTYPED}]`, message: USE_A_CODE },
  {
    selector: `CallExpression[callee.object.name='Promise'][callee.property.name='reject'] > NewExpression[callee.name=${UNTYPED}]`,
    message: USE_A_CODE,
  },
  { selector: 'ThrowStatement > :matches(Literal, TemplateLiteral)', message: USE_A_CODE },
];

const forbidPredictableRandom = {
  selector: "MemberExpression[object.name='Math'][property.name='random']",
  message: 'Randomness comes from the CSPRNG or from a seeded generator, as an argument (F-02).',
};

const IS_PURE = 'This code is pure: time, randomness and I/O come in as arguments.';
const forbidClock = [
  {
    selector: "CallExpression[callee.object.name=/^(Date|performance)$/][callee.property.name='now']",
    message: IS_PURE,
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: IS_PURE },
];

const TESTS = '/^(describe|context|suite|it|specify|test)$/';
const forbidPartialRuns = [
  {
    selector: `MemberExpression[object.name=${TESTS}][property.name=/^(only|skip)$/]`,
    message: 'The whole suite runs. What needs a program that is absent says so and calls this.skip() at run time.',
  },
  { selector: 'CallExpression[callee.name=/^(xit|xdescribe|xcontext|xspecify)$/]', message: 'The whole suite runs.' },
  {
    selector: `CallExpression[callee.name=${TESTS}][arguments.length=1]`,
    message: 'A test without a body tests nothing.',
  },
];

const everywhere = [...forbidUnverifiedTls, forbidDoubleCast];
const inSources = [...everywhere, ...forbidUntypedErrors, forbidPredictableRandom];

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', 'vectors/data/']),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' },
    plugins: { mtm: { rules: { comments } } },
    rules: {
      'mtm/comments': 'error',
      'no-restricted-syntax': ['error', ...forbidUnverifiedTls],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      // biome reports it, and its exceptions carry a reason.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-syntax': ['error', ...everywhere],
      // A number in a text has one form only.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An async function without await turns what it throws into a rejection, as its interface promises.
      '@typescript-eslint/require-await': 'off',
      // `return this.refuse(x)` ends a void function, `() => list.push(x)` ignores a value: both are read at a glance.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  { files: ['*/src/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...inSources] } },
  {
    files: ['protocol/src/**/*.ts', 'verifier/src/appraisal/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...inSources, ...forbidClock] },
  },
  {
    files: ['protocol/src/**/*.ts'],
    ignores: ['protocol/src/crypto/node.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Buffer',
          'process',
          'global',
          'setImmediate',
          'setTimeout',
          'setInterval',
          'console',
          'crypto',
          'fetch',
        ].map((name) => ({ name, message: 'protocol runs in any JavaScript engine and does no I/O.' })),
      ],
    },
  },
  {
    files: ['*/test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...everywhere, forbidPredictableRandom, ...forbidPartialRuns],
      // `expect(x).to.be.true` is an expression to the language and an assertion to chai.
      '@typescript-eslint/no-unused-expressions': 'off',
      // A structure in hex is easier to read when its fields stand apart.
      '@typescript-eslint/no-unnecessary-template-expression': 'off',
    },
  },
);
