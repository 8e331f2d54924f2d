// One sign flipped, one term dropped or one bound moved in each formula of the TypeScript backend.
// `find` must occur exactly once in the file.
const of = (file) => (find, replace, why) => ({ file: `src/reference/${file}.ts`, find, replace, why });

const elementary = of('elementary');
const reductions = of('reductions');
const activations = of('activations');
const dense = of('dense');
const matmul = of('matmul');
const sparse = of('sparse');
const dropout = of('dropout');
const loss = of('loss');
const optimizers = of('optimizers');
const plan = of('plan');
const network = of('network');
const executor = of('executor');

export const typescriptMutants = [
  elementary('p = p * r + C7;', '', 'exp: a term dropped'),
  elementary('return r * r * p + r;', 'return r * r * p - r;', 'exp: sign of r'),
  elementary('return (s * q + s) * 2;', 'return (s * q) * 2;', 'exp: 1 dropped'),
  elementary('const e = s * q + (s - 1);', 'const e = s * q + (s + 1);', 'tanh: sign of 1'),
  elementary('const doubled = 2 * Math.abs(x);', 'const doubled = Math.abs(x);', 'tanh: factor 2'),
  elementary('return (x >= 0 ? 1 : t) / (1 + t);', 'return (x >= 0 ? 1 : t) / (1 - t);', 'sigmoid: sign of t'),
  elementary('return (x >= 0 ? 1 : t)', 'return (x > 0 ? t : 1)', 'sigmoid: sides exchanged'),
  elementary('return e * LN2_HI + (e * LN2_LO + p);', 'return e * LN2_HI + (e * LN2_LO - p);', 'log: sign of the series'),
  elementary('return e * LN2_HI + (e * LN2_LO + p);', 'return e * LN2_HI + p;', 'log: low part dropped'),
  elementary('return h * w * r + h;', 'return h * w * r - h;', 'log, log1p: sign of h'),
  elementary('if (m > SQRT2) {', 'if (m < SQRT2) {', 'log: side of sqrt 2'),

  reductions('for (let half = lanes.length >> 1; half >= 1;', 'for (let half = lanes.length >> 1; half > 1;', 'lanes: last fold dropped'),
  reductions('values[i] = Math.fround(values[i])', 'values[i] = values[i]', 'float32: not rounded on store'),

  activations('z[i] = z[i] < 0 ? 0 : z[i];', 'z[i] = z[i] > 0 ? 0 : z[i];', 'relu forward'),
  activations('da[i] = a[i] > 0 ? da[i] : 0;', 'da[i] = a[i] < 0 ? da[i] : 0;', 'relu backward: sign'),
  activations('da[i] = a[i] > 0 ? da[i] : 0;', 'da[i] = a[i] >= 0 ? da[i] : 0;', 'relu backward: derivative at 0'),
  activations('z[i] = sigmoid(z[i]);', 'z[i] = -sigmoid(z[i]);', 'sigmoid forward'),
  activations('da[i] * (a[i] * (1 - a[i]))', 'da[i] * (a[i] * (1 + a[i]))', 'sigmoid backward: sign'),
  activations('da[i] * (a[i] * (1 - a[i]))', 'da[i] * (1 - a[i])', 'sigmoid backward: factor a'),
  activations('z[i] = tanh(z[i]);', 'z[i] = -tanh(z[i]);', 'tanh forward'),
  activations('da[i] * (1 - a[i] * a[i])', 'da[i] * (1 + a[i] * a[i])', 'tanh backward: sign'),
  activations('da[i] * (1 - a[i] * a[i])', 'da[i] * (1 - a[i])', 'tanh backward: square'),
  activations('if (values[offset + i] > max)', 'if (values[offset + i] < max)', 'softmax: minimum for maximum'),
  activations('exp(z[zAt + i] - max)', 'exp(z[zAt + i] + max)', 'softmax forward: sign of the maximum'),
  activations('p[pAt + i] /= sum', 'p[pAt + i] /= 1', 'softmax forward: not divided'),
  activations('a[offset + i] * (da[offset + i] - s)', 'a[offset + i] * (da[offset + i] + s)', 'softmax backward: sign'),
  activations('a[offset + i] * (da[offset + i] - s)', 'a[offset + i] * da[offset + i]', 'softmax backward: sum dropped'),

  dense('z[at + o] += bias[o]', 'z[at + o] -= bias[o]', 'dense forward: sign of the bias'),
  dense('dbias[o] += dz[at + o]', 'dbias[o] -= dz[at + o]', 'dense backward: sign of dbias'),
  dense('if (!continued) dbias.fill(0);', '', 'dense backward: dbias keeps the last batch'),
  dense('units, inputs, rows, continued);', 'units, inputs, rows, false);', 'dense backward: parts do not add up'),
  dense('(l2 / 2) * foldLanes(lanes)', 'l2 * foldLanes(lanes)', 'penalty: half dropped'),
  dense('lanes[o & 7] += sum;', 'lanes[o & 7] = sum;', 'penalty: rows dropped'),

  matmul('s12 += x1 * y2;', 's12 -= x1 * y2;', 'matmul: sign in a tile'),
  matmul('s10 = c[c1];', '', 'matmul: a chain does not go on'),
  matmul('s3 += x * b[b3];', 's3 -= x * b[b3];', 'matmul: sign in a row'),
  matmul('sum += a[aAt + k * aInner] * b[bAt + k * bInner];', 'sum -= a[aAt + k * aInner] * b[bAt + k * bInner];', 'matmul: sign in a corner'),

  sparse('s5 += x * b[b5];', 's5 -= x * b[b5];', 'zeros left out: sign in a tile of 8'),
  sparse('s0 += x * b[b0]; s1 += x * b[b0 + bColumn];', 's0 += x * b[b0]; s1 -= x * b[b0 + bColumn];', 'zeros left out: sign in a tile of 2'),
  sparse('sum += value[k] * b[bAt + index[k] * bInner];', 'sum -= value[k] * b[bAt + index[k] * bInner];', 'zeros left out: sign in a single column'),
  sparse('s0 = c[c0]; s1 = c[c1]; s2 = c[c2];', 's0 = c[c0]; s1 = c[c1];', 'zeros left out: a chain does not go on'),
  sparse('if (array[i] - array[i] !== 0) return false;', '', 'zeros left out whatever the weights'),

  dropout('>= threshold', '> threshold - 2147483648', 'dropout: threshold moved'),
  dropout('values[at + unit] * factor : 0', 'values[at + unit] : 0', 'dropout: factor dropped'),
  dropout('256 * dropout.layer + PURPOSE', '256 * dropout.layer', 'dropout: purpose dropped'),
  dropout('firstRow + row, step', 'row, step', 'dropout: place in the batch dropped'),
  dropout('Math.floor(seed / 4294967296)', '0', 'dropout: high half of the seed dropped'),
  dropout('const PURPOSE = 1;', 'const PURPOSE = 2;', 'dropout: another purpose'),

  loss('roundedTo(dtype, 1 - smoothing + smoothing / outputs)', 'roundedTo(dtype, 1 - smoothing)', 'softmax loss: mass on the label'),
  loss('const offLabel = roundedTo(dtype, smoothing / outputs);', 'const offLabel = 0;', 'softmax loss: mass on the others'),
  loss('const keptMass = roundedTo(dtype, 1 - smoothing);', 'const keptMass = 1;', 'softmax loss: soft targets not scaled'),
  loss('(i === label ? p[i] - 1 : p[i]) * g', '(i === label ? p[i] + 1 : p[i]) * g', 'softmax loss: sign of the label'),
  loss('(i === label ? p[i] - 1 : p[i]) * g', '(i === label ? p[i] - 1 : p[i])', 'softmax loss: g dropped'),
  loss('return log(sum) - (z[zAt + label] - max);', 'return log(sum) + (z[zAt + label] - max);', 'softmax loss: sign of z'),
  loss('return log(sum) - (z[zAt + label] - max);', 'return -(z[zAt + label] - max);', 'softmax loss: log sum dropped'),
  loss('classWeights === null ? t : classWeights[i] * t', 't', 'softmax loss: class weights dropped'),
  loss('u[i] * (z[zAt + i] - max - logSum)', 'u[i] * (z[zAt + i] - max)', 'soft softmax loss: log sum dropped'),
  loss('const loss = -laneSum(terms, 0, outputs, lanes);', 'const loss = laneSum(terms, 0, outputs, lanes);', 'soft softmax loss: sign'),
  loss('(p[i] * mass - u[i]) * g', '(p[i] * mass + u[i]) * g', 'soft softmax gradient: sign'),
  loss('(p[i] * mass - u[i]) * g', '(p[i] - u[i]) * g', 'soft softmax gradient: mass dropped'),
  loss('1 + (positive[i] - 1) * y', '1 + positive[i] * y', 'sigmoid loss: positive weight'),
  loss('(1 - y) * z +', '(1 + y) * z +', 'sigmoid loss: sign of y'),
  loss('(z < 0 ? -z : 0)', '0', 'sigmoid loss: linear part dropped'),
  loss('log1p(exp(-Math.abs(z)))', '0', 'sigmoid loss: log dropped'),
  loss('positive === null ? p - y :', 'positive === null ? p + y :', 'sigmoid gradient: sign'),
  loss('1 - y + c * (p - 1)', '1 - y + c * p', 'sigmoid gradient with weights: 1 dropped'),
  loss('1 - y + c * (p - 1)) * g', '1 - y + c * (p - 1))', 'sigmoid gradient: g dropped'),
  loss('a[aAt + i] - targets.values', 'a[aAt + i] + targets.values', 'squared loss: sign of y'),
  loss('da[aAt + i] = 2 * d * g', 'da[aAt + i] = d * g', 'squared loss gradient: factor 2'),
  loss('const d = a[aAt + i] -', 'const d = 2 * a[aAt + i] -', 'squared loss: factor'),
  loss('terms[i] = d * d;', 'terms[i] = d;', 'squared loss: square'),
  loss('if (values[offset + i] > values[offset + best]) best = i;', 'if (values[offset + i] < values[offset + best]) best = i;', 'right predictions: argmin'),
  loss('if (values[offset + i] > values[offset + best]) best = i;', 'if (values[offset + i] >= values[offset + best]) best = i;', 'right predictions: highest index wins'),
  loss('z[zAt + i] >= 0 === targets', 'z[zAt + i] < 0 === targets', 'right predictions: sign'),
  loss('out[i] = sigmoid(logits[i]);', 'out[i] = logits[i];', 'head: sigmoid dropped'),
  loss('softmaxRow(logits, row * outputs, out, row * outputs, outputs, lanes);', 'void row;', 'head: softmax dropped'),

  optimizers('const next = p[i] - rate * g;', 'const next = p[i] + rate * g;', 'sgd: sign'),
  optimizers('function sgd(p: Float64Array, gradient: Float64Array, rate: number, decay: number, lambda: number, round: boolean): void {', 'function sgd(p: Float64Array, gradient: Float64Array, rate: number, _decay: number, lambda: number, round: boolean): void {\n  const decay = 0;', 'sgd: decay dropped'),
  optimizers('momentum * v[i] + damping * g', 'momentum * v[i] - damping * g', 'momentum: sign of g'),
  optimizers('momentum * v[i] + damping * g', 'momentum * v[i] + g', 'momentum: damping dropped'),
  optimizers('momentum * v[i] + damping * g', 'damping * g', 'momentum: velocity dropped'),
  optimizers('nesterov ? momentum * velocity + g : velocity', 'nesterov ? momentum * velocity - g : velocity', 'Nesterov: sign of g'),
  optimizers('nesterov ? momentum * velocity + g : velocity', 'velocity', 'Nesterov: dropped'),
  optimizers('p[i] - rate * (nesterov', 'p[i] + rate * (nesterov', 'momentum: sign of the update'),
  optimizers('keep1 * m[i] + take1 * g', 'keep1 * m[i] - take1 * g', 'adam: sign in the first moment'),
  optimizers('keep1 * m[i] + take1 * g', 'keep1 * m[i] + g', 'adam: 1 - beta1 dropped'),
  optimizers('keep2 * v[i] + take2 * g * g', 'keep2 * v[i] + take2 * g', 'adam: square'),
  optimizers('keep2 * v[i] + take2 * g * g', 'take2 * g * g', 'adam: second moment forgets'),
  optimizers('p[i] - rate * (mean', 'p[i] + rate * (mean', 'adam: sign of the update'),
  optimizers('* correction + guard', '+ guard', 'adam: correction dropped'),
  optimizers('* correction + guard', '* correction', 'adam: epsilon dropped'),
  optimizers('scalars[0] * learningRateFactor', 'scalars[0]', 'rate factor dropped'),

  plan('1 / (1 - layer.rate)', '1 / (1 + layer.rate)', 'dropout: factor'),
  plan('Math.round(layer.rate * 4294967296)', '4294967296 - Math.round(layer.rate * 4294967296)', 'dropout: keep for drop'),
  plan('Math.floor((block * rows) / blocks)', 'block * Math.floor(rows / blocks)', 'blocks: rows lost at the end'),

  network('values[i] *= scale;', 'values[i] *= 1;', 'rescaling: scale dropped'),
  network('values[i] += offset;', 'values[i] -= offset;', 'rescaling: sign of the offset'),
  network('dx[i] *= scale;', 'dx[i] *= 1;', 'dx: scale dropped'),
  network('applyDropout(dropouts[i], seed, this.step, firstRow, d, d, rows, units);', 'void 0;', 'dropout: not on the way back'),
  network('applyDropout(inputDropouts[i], seed, this.step, firstRow, dx, dx, rows, features);', 'void 0;', 'dropout of samples: not on the way back'),
  network('activationBackward(dense.activation, scratch.a[s], d, rows, units, this.#lanes);', '', 'activation: not on the way back'),
  network('if (s > 0) denseBackwardInput(d, this.parameters[weight], scratch.d[s - 1], rows, inputs, units);', 'if (s > 0) scratch.d[s - 1].fill(1);', 'gradient not passed down'),
  network('first > bounds[block], target', 'false, target', 'parts of a batch do not add up'),
  network('roundedTo(this.#spec.dtype, weight / denominator)', 'roundedTo(this.#spec.dtype, weight)', 'loss: mean not taken'),
  network('roundedTo(this.#spec.dtype, weight / denominator)', 'roundedTo(this.#spec.dtype, 1 / denominator)', 'gradient: sample weight dropped'),
  network('+= weight * loss.row(', '+= loss.row(', 'loss: sample weight dropped'),
  network('sum += loss.classWeights[', 'sum -= loss.classWeights[', 'denominator of class weights: sign'),
  network('lambda * this.parameters[weight][i] + gradient[i]', 'gradient[i]', 'penalty gradient dropped'),
  network('dense.learningRateFactor, dense.l2);', 'dense.learningRateFactor, 0);', 'update: penalty dropped'),
  network('scalars, dense.learningRateFactor, 0);', 'scalars, dense.learningRateFactor, dense.l2);', 'update: biases penalised'),
  network('    this.step++;', '', 'steps not counted'),

  executor('if (!Number.isFinite(batchLoss)) {', 'if (false) {', 'updates go on after a loss that is not finite'),
  executor('+ network.penalty(network.parameters);\n', ';\n', 'loss of a step: penalty dropped'),
  executor('const first = from + (step % stepsPerPass) * batchSize;', 'const first = from + step * batchSize;', 'passes are not repeated'),
];
