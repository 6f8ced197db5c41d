/** What a `refusal` of a verifier can say beside the codes of this package and the reasons. The verifier owns these codes. */
export const REFUSALS: Readonly<Record<string, string>> = {
  'session.unproven': 'the hello does not verify, or no such terminal is enrolled: the answer is the same for both',
  'session.deadline': 'nothing was proven, or no enrolment was completed, in time (F-54)',
  'limit.rate': 'messages came faster than the verifier takes them (F-54)',
  'limit.connections': 'a newer connection needed the place of this one, which had proven nothing (F-54)',
  'enrolment.token-invalid': 'the token is unknown, has expired, or belongs to another terminal',
  'enrolment.refused': 'the keys are not allowed, or the quote does not prove them',
  'enrolment.same-ak': 'after a break of identity only another attestation key can be enrolled',
};
