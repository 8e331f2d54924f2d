// The optimizers' rules on one row of lanes.
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

// p = p - rate * g and nothing else: the case that has its own short ways.
template <class T>
NABLA_INLINE bool plain_sgd(const Update<T>& u) {
  return u.rule == Rule::sgd && u.momentum == 0 && u.weight_decay == 0 && u.l2 == 0;
}

template <class S>
NABLA_INLINE void apply_update(const Update<typename S::T>& u, size_t at, Wide<S> g) {
  using T = typename S::T;
  T* const parameter = u.parameters + at;
  const Wide<S> p = w_load<S>(parameter);
  if (u.l2 != 0) g = w_mad<S>(w_set<S>(u.l2), p, g);
  if (u.rule == Rule::sgd) {
    if (u.weight_decay != 0) g = w_mad<S>(w_set<S>(u.weight_decay), p, g);
    if (u.momentum != 0) {
      const Wide<S> v = w_mad<S>(w_set<S>(u.momentum), w_load<S>(u.slot0 + at), w_mul<S>(w_set<S>(u.scalar), g));
      w_store<S>(u.slot0 + at, v);
      g = u.nesterov ? w_mad<S>(w_set<S>(u.momentum), v, g) : v;
    }
    w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), g, p));
    return;
  }
  const Wide<S> m = w_mad<S>(w_set<S>(u.beta1), w_load<S>(u.slot0 + at), w_mul<S>(w_set<S>(u.one_minus_beta1), g));
  const Wide<S> v = w_mad<S>(w_set<S>(u.beta2), w_load<S>(u.slot1 + at), w_mul<S>(w_mul<S>(w_set<S>(u.one_minus_beta2), g), g));
  w_store<S>(u.slot0 + at, m);
  w_store<S>(u.slot1 + at, v);
  const Wide<S> d = w_mad<S>(w_sqrt<S>(v), w_set<S>(u.scalar), w_set<S>(u.epsilon));
  w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), w_div<S>(m, d), p));
}

// Called, not inlined, from the tiles: 28 copies of every rule in each tile would not fit the instruction cache.
template <class S>
__attribute__((noinline)) void apply_update_call(const Update<typename S::T>& u, size_t at, const Wide<S>& g) {
  apply_update<S>(u, at, g);
}

}  // namespace NABLA_KERNELS
}  // namespace nabla
