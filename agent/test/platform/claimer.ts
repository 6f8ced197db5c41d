/** A process that holds a state directory until it is killed. Argument: the directory. */
import { claimState } from '../../src/platform/soft/state-claim.ts';

await claimState(process.argv[2] ?? '');
process.stdout.write('holds\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit());
