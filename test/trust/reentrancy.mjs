// User code that throws, aborts, or starts other work wherever it is called during a fit: fit settles only when its job is over, the model can be
// used at once, and `step` says which updates the weights hold (a second model makes just so many).
import * as nabla from '../../dist/index.js';
import { caseRandom, fail, finish, fingerprint, foreign, pause, untilTimeIsOver } from './common.mjs';

const { layers } = nabla;
class Thrown extends Error {}
const ROWS = 60;
const x = Float32Array.from({ length: ROWS * 6 }, (_, i) => Math.sin(i * 1.7));
const y = Int32Array.from({ length: ROWS }, (_, i) => (x[6 * i] + x[6 * i + 1] > 0 ? 1 : 0));
/** An order for each epoch, the same in every model. */
const orderOf = (epoch) => Uint32Array.from({ length: ROWS }, (_, i) => (i * 7 + 11 * epoch) % ROWS);

function build(backend, optimizer, tail) {
  const model = nabla.sequential({ seed: 3, backend }, [layers.dense({ units: 9, activation: 'tanh', inputShape: [6] }), ...tail(), layers.dense({ units: 2, activation: 'softmax' })]);
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });
  return model;
}

const nativeIsHere = nabla.sequential([layers.dense({ units: 1, inputShape: [1] })]).backend === 'native';

const places = ['order', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd', 'onTrainBegin', 'onTrainEnd', 'schedule', 'abort', 'second fit'];
const counts = {};
const cases = await untilTimeIsOver(async (number) => {
  const random = caseRandom(number);
  const backend = number % 2 === 0 ? 'native' : 'typescript';
  if (backend === 'native' && !nativeIsHere) return;
  const place = random.pick(places);
  counts[place] = (counts[place] ?? 0) + 1;
  const epochs = random.integer(2, 40);
  const batchSize = random.pick([1, 7, 16, 60]);
  const countdown = random.integer(1, epochs * 3);
  const momentum = random.pick([0, 0.9]);
  const tail = random.chance(0.3) ? () => [layers.dropout({ rate: 0.3 })] : random.chance(0.3) ? () => [layers.layerNormalization()] : () => [];
  let calls = 0;
  // The fit after it is to work: a schedule is asked there once more.
  let armed = true;
  const due = () => armed && (calls += 1) === countdown;
  const throws = () => {
    if (due()) throw new Thrown('on purpose');
  };
  const late = random.chance(0.5);
  const hook = late ? async () => { await pause(0); throws(); } : throws;
  const rate = (step) => {
    if (place === 'schedule') throws();
    return 0.1 / (1 + step / 100);
  };
  const options = { epochs, batchSize, order: (epoch) => { if (place === 'order') throws(); return orderOf(epoch); } };
  if (place.startsWith('on')) options.callbacks = { [place]: hook };
  const model = build(backend, nabla.optimizers.sgd({ learningRate: rate, momentum }), tail);
  const controller = new AbortController();
  if (place === 'abort') {
    options.signal = controller.signal;
    setTimeout(() => controller.abort(), random.integer(0, 4));
  }
  let second = null;
  if (place === 'second fit') options.callbacks = { onEpochEnd: () => { if (due()) second = model.fit(x, y).then(() => 'taken', (error) => error.code); } };
  const label = `case ${number} (${backend}, ${place}${late ? ', late' : ''}, ${epochs} epochs, batch ${batchSize}, call ${countdown})`;
  try {
    await model.fit(x, y, options);
  } catch (error) {
    if (!(error instanceof Thrown) && foreign(error) !== '' ) fail(`${label}: ${foreign(error)}`);
    else if (!(error instanceof Thrown) && error.code !== 'ERR_ABORTED') fail(`${label}: ${error.code} ${error.message.slice(0, 150)}`);
  }
  armed = false;
  if (second !== null && (await second) !== 'ERR_BUSY') fail(`${label}: a second fit during a fit was ${await second}`);
  const [steps, weights] = [model.step, fingerprint(model)];
  await pause(random.integer(0, 3));
  if (fingerprint(model) !== weights || model.step !== steps) fail(`${label}: the weights moved after fit had settled`);
  // A twin makes exactly so many updates and stops.
  const twin = build(backend, nabla.optimizers.sgd({ learningRate: (step) => 0.1 / (1 + step / 100), momentum }), tail);
  let made = 0;
  try {
    if (steps > 0) await twin.fit(x, y, { epochs, batchSize, order: orderOf, callbacks: { onBatchEnd: () => { if ((made += 1) === steps) throw new Thrown('enough'); } } });
  } catch (error) {
    if (!(error instanceof Thrown)) fail(`${label}: twin: ${error.message}`);
  }
  if (fingerprint(twin) !== weights) fail(`${label}: step says ${steps}, but the weights are not those after ${steps} updates`);
  try {
    await model.fit(x, y, { epochs: model.nextEpoch + 1, initialEpoch: model.nextEpoch, batchSize: 30 });
  } catch (error) {
    fail(`${label}: cannot be fitted again: ${error.code} ${error.message.slice(0, 150)}`);
  }
  model.dispose();
  twin.dispose();
});
finish({ fits: cases, ...counts });
