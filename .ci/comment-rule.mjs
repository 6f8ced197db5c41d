const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/;
const SUPPRESSION = /^\s*eslint-disable/;
const SUPPRESSION_WITH_REASON = /^\s*eslint-disable-next-line\s+\S.*\s--\s+\S/;

/** ESLint rule: unfinished work names its issue, as in `TODO(#12): ...`; a rule is switched off for one line only and with a reason. */
export const comments = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      unfinished: 'Unfinished work names its issue: {{word}}(#12).',
      suppression: 'Write: eslint-disable-next-line <rule> -- <reason>',
    },
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const word = UNFINISHED.exec(comment.value)?.[1];
          if (word !== undefined) context.report({ loc: comment.loc, messageId: 'unfinished', data: { word } });
          if (SUPPRESSION.test(comment.value) && !SUPPRESSION_WITH_REASON.test(comment.value)) {
            context.report({ loc: comment.loc, messageId: 'suppression' });
          }
        }
      },
    };
  },
};
