// Calls with hostile values in up to three places at once, at every export and every method, on both backends. Needs --import tsx: it calls the sources.
import { onGround, randomPlaces } from '../hostile/run.ts';
import { fail, finish, seed, seconds } from './common.mjs';

const tried = {};
for (const backend of ['auto', 'typescript']) {
  const { calls, faults } = await onGround((ground) => randomPlaces(ground, { seed, milliseconds: 500 * seconds }), backend);
  tried[`calls, backend ${backend}`] = calls;
  for (const fault of faults) fail(fault);
}
finish(tried, {});
