// The same small mistakes in the C++: one sign flipped or one term dropped in each formula of the kernels and of the core.
// `find` must occur exactly once.
const of = (file) => (find, replace, why) => ({ file: `native/${file}`, find, replace, why });

// Whichever of the kernels' sources holds the text.
const kernels = of('kernels/*-inl.h');
const engine = of('core/engine.cc');
const train = of('core/train.cc');
const manual = of('core/manual.cc');

export const nativeMutants = [
  kernels('return w_mad<S>(w_mul<S>(r, r), horner<S, K::exp_terms>(r, Factorials<typename S::T>::c), r);', 'return w_mad<S>(r, horner<S, K::exp_terms>(r, Factorials<typename S::T>::c), r);', 'exp: a factor dropped'),
  kernels('const Wide<S> e = w_mul<S>(w_mad<S>(s, q, s), w_set<S>(2));', 'const Wide<S> e = w_mul<S>(w_mul<S>(s, q), w_set<S>(2));', 'exp: 1 dropped'),
  kernels('w_mad<S>(s, q, w_sub<S>(s, w_set<S>(1)))', 'w_mad<S>(s, q, w_add<S>(s, w_set<S>(1)))', 'tanh: sign of 1'),
  kernels('w_select<S>(w_ge<S>(z, w_set<S>(0)), one, t), w_add<S>(one, t)', 'w_select<S>(w_ge<S>(z, w_set<S>(0)), one, t), w_sub<S>(one, t)', 'sigmoid: sign of t'),
  kernels('w_mad<S>(e, w_set<S>(K::ln2_hi), w_mad<S>(e, w_set<S>(K::ln2_lo), p))', 'w_mad<S>(e, w_set<S>(K::ln2_hi), p)', 'log: low part dropped'),
  kernels('const Wide<S> f = w_sub<S>(m, w_set<S>(1));', 'const Wide<S> f = w_add<S>(m, w_set<S>(1));', 'log: sign of 1'),
  kernels('for (int h = Wide<S>::width / 2; h > 0; h /= 2)', 'for (int h = Wide<S>::width / 2; h > 1; h /= 2)', 'lanes: last fold dropped'),

  kernels('if (u.l2 != 0) g = w_mad<S>(w_set<S>(u.l2), p, g);', '', 'update: penalty dropped'),
  kernels('if (u.weight_decay != 0) g = w_mad<S>(w_set<S>(u.weight_decay), p, g);', '', 'sgd: decay dropped'),
  kernels('w_mul<S>(w_set<S>(u.scalar), g));\n      w_store<S>(u.slot0 + at, v);', 'g);\n      w_store<S>(u.slot0 + at, v);', 'momentum: damping dropped'),
  kernels('g = u.nesterov ? w_mad<S>(w_set<S>(u.momentum), v, g) : v;', 'g = v;', 'Nesterov dropped'),
  kernels('w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), g, p));', 'w_store<S>(parameter, w_mad<S>(w_set<S>(u.rate), g, p));', 'sgd: sign of the update'),
  kernels('w_mul<S>(w_set<S>(u.one_minus_beta1), g));', 'g);', 'adam: 1 - beta1 dropped'),
  kernels('w_mul<S>(w_mul<S>(w_set<S>(u.one_minus_beta2), g), g)', 'w_mul<S>(w_set<S>(u.one_minus_beta2), g)', 'adam: square'),
  kernels('w_mad<S>(w_sqrt<S>(v), w_set<S>(u.scalar), w_set<S>(u.epsilon))', 'w_mul<S>(w_sqrt<S>(v), w_set<S>(u.scalar))', 'adam: epsilon dropped'),
  kernels('w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), w_div<S>(m, d), p));', 'w_store<S>(parameter, w_mad<S>(w_set<S>(u.rate), w_div<S>(m, d), p));', 'adam: sign of the update'),
  kernels('w_store<S>(p, w_mad<S>(w_set<S>(minus_rate), g, w_load<S>(p)));', 'w_store<S>(p, w_mad<S>(w_set<S>(-minus_rate), g, w_load<S>(p)));', 'fused sgd: sign of the update'),

  kernels('if (bias != nullptr) z = w_add<S>(z, w_load<S>(bias + panel * Wide<S>::width));', 'if (bias != nullptr) z = w_sub<S>(z, w_load<S>(bias + panel * Wide<S>::width));', 'dense forward: sign of the bias'),
  kernels('if (relu) z = w_max_limit<S>(w_set<S>(0), z);', 'if (relu) z = w_min_limit<S>(w_set<S>(0), z);', 'relu forward'),
  kernels('d = w_select<S>(w_gt<S>(w_load<S>(relu_of + at), w_set<S>(0)), d, w_set<S>(0));', 'd = w_select<S>(w_ge<S>(w_load<S>(relu_of + at), w_set<S>(0)), d, w_set<S>(0));', 'fused relu backward: derivative at 0'),
  kernels('w_store<S>(da + i, w_select<S>(w_gt<S>(v, none), d, none));', 'w_store<S>(da + i, w_select<S>(w_ge<S>(v, none), d, none));', 'relu backward: derivative at 0'),
  kernels('w_mul<S>(d, w_mul<S>(v, w_sub<S>(one, v)))', 'w_mul<S>(d, w_mul<S>(v, w_add<S>(one, v)))', 'sigmoid backward: sign'),
  kernels('w_mul<S>(d, w_sub<S>(one, w_mul<S>(v, v)))', 'w_mul<S>(d, w_add<S>(one, w_mul<S>(v, v)))', 'tanh backward: sign'),
  kernels('w_sub<S>(w_load<S>(da + r * ld + i), s)', 'w_load<S>(da + r * ld + i)', 'softmax backward: sum dropped'),
  kernels('return sink->accumulate ? w_load<S>(sink->gradients + at(row, panel)) : w_set<S>(0);', 'return w_set<S>(0);', 'weight gradient: a chain does not go on'),
  kernels('Wide<S> g = sink->accumulate ? w_load<S>(sink->gradients + p * W) : w_set<S>(0);', 'Wide<S> g = w_set<S>(0);', 'bias gradient: a sum does not go on'),
  kernels('for (size_t b = 1; b < count; ++b) g = w_add<S>(g, w_load<S>(blocks + b * stride + i));', 'for (size_t b = 2; b < count; ++b) g = w_add<S>(g, w_load<S>(blocks + b * stride + i));', 'blocks: one dropped'),
  kernels('acc[r][c] = S::mad(av, bv[c], acc[r][c]);', 'acc[r][c] = S::mad(av, bv[c], r == 3 ? S::sub(S::set1(0), acc[r][c]) : acc[r][c]);', 'tile: sign in a row'),
  kernels('w_store<S>(at, w_mad<S>(w_set<S>(values[n]), d, w_load<S>(at)));', 'w_store<S>(at, w_mul<S>(w_set<S>(values[n]), d));', 'zeros left out: sums lost'),
  kernels('acc[p] = w_mad<S>(v, w_load<S>(d + p * Wide<S>::width), acc[p]);', 'acc[p] = w_mad<S>(v, w_load<S>(d), acc[p]);', 'zeros left out: panels mixed up'),
  kernels('for (size_t n = s->counts[row]; n < length; ++n) s->values[row * s->ld + n] = T(0);', '', 'zeros left out: ends of lists not cleared'),

  kernels('l->row_loss[r] = static_cast<double>(log_sum - (z[label] - m));', 'l->row_loss[r] = static_cast<double>(log_sum + (z[label] - m));', 'softmax loss: sign of z'),
  kernels('e[label] = e[label] - T(1);', 'e[label] = e[label] + T(1);', 'softmax gradient: sign of the label'),
  kernels('l->row_loss[r] = static_cast<double>(-w_fold<S>(lanes_l));', 'l->row_loss[r] = static_cast<double>(w_fold<S>(lanes_l));', 'soft softmax loss: sign'),
  kernels('w_sub<S>(w_mul<S>(p, total), target(*l, values, label, i, n))', 'w_sub<S>(p, target(*l, values, label, i, n))', 'soft softmax gradient: mass dropped'),
  kernels('t = w_mul<S>(w_load<S>(l.class_weights + i), t);', '', 'class weights dropped'),
  kernels('w_mul<S>(w_sub<S>(w_load<S>(l->class_weights + i), one), yi)', 'w_mul<S>(w_load<S>(l->class_weights + i), yi)', 'sigmoid loss: positive weight'),
  kernels('w_select<S>(w_lt<S>(zi, none), w_sub<S>(none, zi), none)', 'none', 'sigmoid loss: linear part dropped'),
  kernels('w_add<S>(rest, w_mul<S>(c, w_sub<S>(p, one)))', 'w_add<S>(rest, w_mul<S>(c, p))', 'sigmoid gradient with weights: 1 dropped'),
  kernels(': w_sub<S>(p, yi);', ': w_add<S>(p, yi);', 'sigmoid gradient: sign'),
  kernels('w_mul<S>(w_mul<S>(w_set<S>(2), d), g)', 'w_mul<S>(d, g)', 'squared loss gradient: factor 2'),
  kernels('lanes = w_add<S>(lanes, w_mul<S>(d, d));', 'lanes = w_add<S>(lanes, d);', 'squared loss: square'),
  kernels('acc = w_mad<S>(v, v, acc);', 'acc = w_mad<S>(v, v, w_sub<S>(w_set<S>(0), acc));', 'penalty: sign'),
  kernels('if (z[i] > z[best]) best = i;', 'if (z[i] >= z[best]) best = i;', 'right predictions: highest index wins'),
  kernels('(z[i] >= 0) == (y[i] >= T(0.5))', '(z[i] > 0) == (y[i] >= T(0.5))', 'right predictions: z = 0'),
  kernels('const bool keep = u + j < units && c[j] >= threshold;', 'const bool keep = u + j < units && c[j] < threshold;', 'dropout: keep for drop'),
  kernels('static_cast<uint32_t>(first_row + r), step, purpose', 'static_cast<uint32_t>(r), step, purpose', 'dropout: place in the batch dropped'),
  kernels('da[i] = mask[i] != 0 ? da[i] * factor : T(0);', 'da[i] = mask[i] != 0 ? da[i] : T(0);', 'dropout backward: factor dropped'),
  kernels('for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale + offset;', 'for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale - offset;', 'rescaling: sign of the offset'),

  engine('s.row_scale[r] = static_cast<T>(weight / denominator);', 's.row_scale[r] = static_cast<T>(1.0 / denominator);', 'gradient: sample weight dropped'),
  engine('lanes[i % 8] += weight * row_loss[i];', 'lanes[i % 8] += row_loss[i];', 'loss: sample weight dropped'),
  engine('if (loss.name != LossName::softmax_cross_entropy) return rows * static_cast<double>(plan_.last().units);', 'if (loss.name != LossName::softmax_cross_entropy) return rows;', 'denominator: outputs dropped'),
  engine('const double off = spec.label_smoothing / static_cast<double>(last.units);', 'const double off = spec.label_smoothing;', 'smoothing: not shared among the classes'),
  engine('lanes[0] * (stage.l2 / 2)', 'lanes[0] * stage.l2', 'penalty: half dropped'),
  train('u.rate = static_cast<T>(scalars[0] * s.rate_factor);', 'u.rate = static_cast<T>(scalars[0]);', 'rate factor dropped'),
  train('u.l2 = bias == 1 ? T(0) : static_cast<T>(s.l2);', 'u.l2 = static_cast<T>(s.l2);', 'update: biases penalised'),
  manual('full[i] *= affines_[f].scale;', 'full[i] *= 1;', 'dx: scale dropped'),
  manual('u.rate = static_cast<T>(-stage.l2);', 'u.rate = static_cast<T>(stage.l2);', 'penalty gradient: sign'),
];
