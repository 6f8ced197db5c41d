/** Every failure of the agent that an operator can act on: `area.reason`, and what to do next. */
export const AGENT_CODES = {
  'state.tampered':
    'the state file does not open under its device key: restore the right key file, or enrol this terminal anew in a new directory',
  'state.version':
    'the state file is of another version of the agent: run the version that wrote it, or enrol anew in a new directory',
  'state.rolled-back':
    'the counter outside the state directory is newer than the state: an old copy was put back; restore the newest one, or enrol anew',
  'state.missing':
    'the directory held a state that is gone: put the newest copy back, or enrol this terminal anew in a new directory',
  'state.run-ahead':
    'the state is further than the counter outside its directory: a copy of it was used elsewhere, or the counter was put back; enrol anew in a new directory',
  'state.counter-missing': 'a counter outside the directory guards this state: name its file with --counter',
  'state.counter-inside': 'the counter lies in the directory that it guards: name a file outside it',
  'state.exposed': 'others may enter the state directory, which holds files of theirs too: name a directory of its own',
  'device-key.missing':
    'the state is there, and the key file beside it is gone: name the device key with --device-key, or put the file back',
  'device-key.unreadable': 'the device key cannot be read: name a file that the agent may read',
  'device-key.exposed': 'others can read the device key: chmod 0600 it',
  'device-key.malformed': 'the device key is neither 32 bytes nor 64 hexadecimal digits',
  'log.diverged':
    'the event log does not lead to the PCRs of this boot: something extended them past the agent, or the log was changed; reboot the terminal',
  'log.full': 'the log of this boot is full, so nothing more can be measured in it: reboot the terminal',
  'log.stopped': 'an earlier event could not be logged and extended: restart the agent, which mends the log',
  'boot.record':
    'the agent cannot read which slot booted: remove booted.json and started.json, and reboot the terminal',
  'slot.unreadable': 'the slot that should boot cannot be read: install a release into it',
  'slot.manifest': 'the manifest in the slot does not list the release that the slot holds',
  'component.name': 'a component needs a relative name of letters, digits and ._/@+-',
  'token.missing': 'this terminal is not enrolled: give it an enrolment token',
  'token.class':
    'the enrolment token is for a terminal with a TPM 2.0, and this one has none: give --tpm, or have a token made for what it is',
  'session.root': 'the root certificate of the verifier is not the one that the enrolment token names',
  'session.audience': 'the verifier answers under another audience than the one this terminal was enrolled with',
  'session.binding': 'the verifier uses another type of channel binding than this terminal is configured for',
  'session.closed': 'the connection was closed',
  'session.timeout': 'the verifier did not answer in time',
  'session.refused': 'the verifier refused the connection',
  'platform.selection':
    'the challenge asks for PCRs that this platform does not have: only the SHA-256 bank, PCR 0 to 23',
  'platform.log':
    'the firmware log cannot be read as one of the SHA-256 bank: name the right file with --firmware-log, and have the firmware use sha256',
  'platform.unsettled':
    'the kernel extends PCR 10 faster than the TPM can quote: measure less with IMA, or wait until the machine is calmer',
  'platform.counter': 'the counter has reached its end',
  'platform.unavailable':
    'the trusted environment does not answer: start it with mtm-agent tre, or look at why it ended',
  'platform.busy': 'another agent uses this trusted environment: stop it first',
  'platform.refused': 'the trusted environment does not do this for this client: report the defect',
  'platform.failed': 'the trusted environment could not do it: look at its disk, then restart it',
  'platform.bank':
    'the TPM has a PCR bank that cannot be extended here, or lacks the SHA-256 bank: have the firmware allocate sha256 alone',
  'platform.counter-missing':
    'a counter of this terminal is gone from the TPM or is another one: it is never made anew; enrol anew in a new directory',
  'platform.other-tpm':
    'the state belongs to another TPM, or its endorsement seed was changed: put the right one back, or enrol anew in a new directory',
  'platform.resumed':
    'the machine was suspended, which began a new boot identity: restart the agent, which notes it in its log',
  'tpm.unreachable': 'the TPM cannot be opened: mtm-agent doctor says what is missing',
  'tpm.in-use': 'another process uses this TPM: stop it first',
  'tpm.timeout': 'the TPM did not answer in time: look at its driver or its emulator, then restart',
  'tpm.response': 'the TPM answered what is no response to its command: look at what lies between',
  'tpm.session': 'the TPM did not prove that it knows the session: somebody may sit on the bus',
  'tpm.busy': 'the TPM put the command off again and again: try again later',
  'tpm.memory': 'the TPM has no free slot: flush objects and sessions that other programs left in it',
  'tpm.lockout': 'the TPM is locked after failed authorisations: wait, or reset the lockout with its password',
  'tpm.not-started': 'the TPM was not started: have the firmware do so, or send TPM2_Startup',
  'tpm.authorisation': 'the TPM refused the authorisation: its hierarchies must have empty passwords here',
  'tpm.policy':
    'the state of the machine is not the one that a policy of the TPM demands: boot the release that it was made for',
  'tpm.refused': 'the TPM refused a command: see its response code',
  'tre.running': 'a trusted environment runs on this state already: use it, or stop it first',
  'tre.path': 'the path of the state directory is too long for a socket: use a shorter one',
  'tre.socket':
    'no socket can be placed there: name a path where nothing else is, in a directory that is there and that only root or this user may write to',
  'file.unreadable': 'the file cannot be read: correct its path or its permissions',
  'file.unwritable': 'the file cannot be written: correct its path or its permissions',
  'option.invalid': 'the options do not fit: look at --help',
  'api.unreachable': "the verifier's HTTP API does not answer: correct its address or its certificates",
  'api.refused': "the verifier's HTTP API refused: correct the API token, or what was asked",
  'agent.malfunction': 'the agent met a defect of its own: report it',
} as const;

export type AgentCode = keyof typeof AGENT_CODES;

/** A broken environment or a refused request, by code. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentCode;
  readonly detail: string | undefined;

  constructor(code: AgentCode, detail?: string, options?: ErrorOptions) {
    super(`${code}: ${AGENT_CODES[code]}${detail === undefined ? '' : ` (${detail})`}`, options);
    this.code = code;
    this.detail = detail;
  }
}
