// How long the event loop is held up while MNIST-sized slices train, and, before it, while the same work runs outside the process's
// JavaScript altogether (another process burns as much). Prints { control, training } in milliseconds, and the steps done.
import { spawn } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { addonAt, prepare, spec, trainSlices } from './common.mjs';

const [path] = process.argv.slice(2);
const addon = addonAt(path);
const job = prepare(addon, spec(784, [100, 200], 10), 12000, 3);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function measured(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await pause(50);
  delay.enable();
  const result = await work();
  delay.disable();
  return { worst: delay.max / 1e6, result };
}
const burners = [0, 1].map(() => spawn(process.execPath, ['-e', 'const end = Date.now() + 1500; while (Date.now() < end);']));
const control = await measured(() => Promise.all(burners.map((burner) => new Promise((resolve) => burner.once('exit', resolve)))));
const training = await measured(async () => {
  let steps = 0;
  for (const end = Date.now() + 1500; Date.now() < end; ) steps += await trainSlices(addon, job, 64, 1, 20);
  return steps;
});
console.log(JSON.stringify({ control: control.worst, training: training.worst, steps: training.result }));
