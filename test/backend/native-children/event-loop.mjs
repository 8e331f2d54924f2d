// Turns of the event loop while a single slice of MNIST-sized steps trains. Prints { turns, steps }.
import process from 'node:process';
import { addonAt, prepare, spec, trainSlices } from './common.mjs';

const [path] = process.argv.slice(2);
const addon = addonAt(path);
const job = prepare(addon, spec(784, [100, 200], 10), 12000, 3);
let turns = 0;
let steps = null;
const turn = () => {
  if (steps !== null) return;
  turns += 1;
  setImmediate(turn);
};
setImmediate(turn);
// One slice of all the steps: a call that held the event loop would leave it no turn.
steps = await trainSlices(addon, job, 64, 1, 1e9);
console.log(JSON.stringify({ turns, steps }));
