// The optimizers' rules on one row of lanes.
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

// p = p - rate * g and nothing else: the case that has its own short ways.
template <class T>
NABLA_INLINE bool plain_sgd(const Update<T>& u) {
  return u.rule == Rule::sgd && u.momentum == 0 && u.weight_decay == 0 && u.l2 == 0 && u.l1 == 0 && !u.clips && !u.scaled &&
         !u.non_negative;
}

// The gradient with its penalties' parts: + l2 * p, then + l1 * sign(p).
template <class S>
NABLA_INLINE Wide<S> with_penalties(typename S::T l2, typename S::T l1, const Wide<S>& p, Wide<S> g) {
  if (l2 != 0) g = w_mad<S>(w_set<S>(l2), p, g);
  if (l1 == 0) return g;
  const Wide<S> none = w_set<S>(0);
  return w_add<S>(g, w_select<S>(w_gt<S>(p, none), w_set<S>(l1), w_select<S>(w_lt<S>(p, none), w_set<S>(-l1), none)));
}

// Keeps a running mean in a slot: slot = keep * slot + take * x.
template <class S>
NABLA_INLINE Wide<S> running_mean(typename S::T* slot, typename S::T keep, typename S::T take, const Wide<S>& x) {
  const Wide<S> mean = w_mad<S>(w_set<S>(keep), w_load<S>(slot), w_mul<S>(w_set<S>(take), x));
  w_store<S>(slot, mean);
  return mean;
}
// The same of squares.
template <class S>
NABLA_INLINE Wide<S> running_square(typename S::T* slot, typename S::T keep, typename S::T take, const Wide<S>& x) {
  const Wide<S> mean = w_mad<S>(w_set<S>(keep), w_load<S>(slot), w_mul<S>(w_mul<S>(w_set<S>(take), x), x));
  w_store<S>(slot, mean);
  return mean;
}

// Adam and nothing else.
template <class T>
NABLA_INLINE bool plain_adam(const Update<T>& u) {
  return u.rule == Rule::adam && !u.amsgrad && u.decay == 0 && u.l2 == 0 && u.l1 == 0 && !u.clips && !u.scaled && !u.non_negative;
}
template <class S>
NABLA_INLINE Wide<S> adam_direction(const Update<typename S::T>& u, const Wide<S>& m, const Wide<S>& v) {
  return w_div<S>(m, w_mad<S>(w_sqrt<S>(v), w_set<S>(u.correction), w_set<S>(u.epsilon)));
}
template <class S>
NABLA_INLINE void adam_step(const Update<typename S::T>& u, size_t at, const Wide<S>& g) {
  const Wide<S> m = running_mean<S>(u.slot0 + at, u.beta1, u.one_minus_beta1, g);
  const Wide<S> v = running_square<S>(u.slot1 + at, u.beta2, u.one_minus_beta2, g);
  w_store<S>(u.parameters + at, w_mad<S>(w_set<S>(-u.rate), adam_direction<S>(u, m, v), w_load<S>(u.parameters + at)));
}

template <class S>
NABLA_INLINE void apply_update(const Update<typename S::T>& u, size_t at, Wide<S> g) {
  using T = typename S::T;
  T* const parameter = u.parameters + at;
  Wide<S> p = w_load<S>(parameter);
  const auto step = [&](const Wide<S>& direction) {
    const Wide<S> next = w_mad<S>(w_set<S>(-u.rate), direction, p);
    w_store<S>(parameter, u.non_negative ? w_max_limit<S>(w_set<S>(0), next) : next);
  };
  g = with_penalties<S>(u.l2, u.l1, p, g);
  if (u.clips) g = w_max_limit<S>(w_set<S>(-u.clip), w_min_limit<S>(w_set<S>(u.clip), g));
  if (u.scaled) g = w_mul<S>(g, w_set<S>(u.scale));
  switch (u.rule) {
    case Rule::sgd: {
      if (u.weight_decay != 0) g = w_mad<S>(w_set<S>(u.weight_decay), p, g);
      if (u.momentum != 0) {
        const Wide<S> v = running_mean<S>(u.slot0 + at, u.momentum, u.dampening, g);
        g = u.nesterov ? w_mad<S>(w_set<S>(u.momentum), v, g) : v;
      }
      return step(g);
    }
    case Rule::adam: {
      const Wide<S> m = running_mean<S>(u.slot0 + at, u.beta1, u.one_minus_beta1, g);
      Wide<S> v = running_square<S>(u.slot1 + at, u.beta2, u.one_minus_beta2, g);
      if (u.amsgrad) {
        v = w_max_limit<S>(w_load<S>(u.slot2 + at), v);
        w_store<S>(u.slot2 + at, v);
      }
      if (u.decay != 0) p = w_mad<S>(w_set<S>(-u.decay), p, p);
      return step(adam_direction<S>(u, m, v));
    }
    case Rule::rmsprop: {
      Wide<S> v = running_square<S>(u.slot0 + at, u.beta2, u.one_minus_beta2, g);
      if (u.centered) {
        const Wide<S> m = running_mean<S>(u.slot1 + at, u.beta2, u.one_minus_beta2, g);
        v = w_max_limit<S>(w_set<S>(0), w_sub<S>(v, w_mul<S>(m, m)));
      }
      const Wide<S> q = w_div<S>(g, w_add<S>(w_sqrt<S>(v), w_set<S>(u.epsilon)));
      if (u.momentum == 0) return step(q);
      return step(running_mean<S>((u.centered ? u.slot2 : u.slot1) + at, u.momentum, T(1), q));
    }
    case Rule::adagrad: {
      const Wide<S> v = w_mad<S>(g, g, w_load<S>(u.slot0 + at));
      w_store<S>(u.slot0 + at, v);
      return step(w_div<S>(g, w_add<S>(w_sqrt<S>(v), w_set<S>(u.epsilon))));
    }
    case Rule::adadelta: {
      const Wide<S> guard = w_set<S>(u.epsilon);
      const Wide<S> v = running_square<S>(u.slot0 + at, u.beta2, u.one_minus_beta2, g);
      const Wide<S> d = w_mul<S>(w_div<S>(w_sqrt<S>(w_add<S>(w_load<S>(u.slot1 + at), guard)), w_sqrt<S>(w_add<S>(v, guard))), g);
      running_square<S>(u.slot1 + at, u.beta2, u.one_minus_beta2, d);
      return step(d);
    }
    case Rule::adamax: {
      const Wide<S> m = running_mean<S>(u.slot0 + at, u.beta1, u.one_minus_beta1, g);
      const Wide<S> v = w_max_limit<S>(w_abs<S>(g), w_mul<S>(w_set<S>(u.beta2), w_load<S>(u.slot1 + at)));
      w_store<S>(u.slot1 + at, v);
      return step(w_div<S>(m, w_add<S>(v, w_set<S>(u.epsilon))));
    }
    case Rule::lion: {
      const Wide<S> none = w_set<S>(0);
      const Wide<S> m = w_load<S>(u.slot0 + at);
      const Wide<S> c = w_mad<S>(w_set<S>(u.beta1), m, w_mul<S>(w_set<S>(u.one_minus_beta1), g));
      const Wide<S> sign = w_select<S>(w_gt<S>(c, none), w_set<S>(1), w_select<S>(w_lt<S>(c, none), w_set<S>(-1), none));
      running_mean<S>(u.slot0 + at, u.beta2, u.one_minus_beta2, g);
      if (u.decay != 0) p = w_mad<S>(w_set<S>(-u.decay), p, p);
      return step(sign);
    }
    case Rule::nadam: {
      const Wide<S> m = running_mean<S>(u.slot0 + at, u.beta1, u.one_minus_beta1, g);
      const Wide<S> v = running_square<S>(u.slot1 + at, u.beta2, u.one_minus_beta2, g);
      const Wide<S> divisor = w_mad<S>(w_set<S>(u.correction), w_sqrt<S>(v), w_set<S>(u.epsilon));
      if (u.decay != 0) p = w_mad<S>(w_set<S>(-u.decay), p, p);
      p = w_mad<S>(w_set<S>(-u.momentum_rate), w_div<S>(m, divisor), p);
      return step(w_div<S>(g, divisor));
    }
  }
}

// Called, not inlined, from the tiles: 28 copies of every rule in each tile would not fit the instruction cache.
template <class S>
__attribute__((noinline)) void apply_update_call(const Update<typename S::T>& u, size_t at, const Wide<S>& g) {
  apply_update<S>(u, at, g);
}

}  // namespace NABLA_KERNELS
}  // namespace nabla
