// NAdam's momenta µ_t = beta1·(1 - 0.96^(t·momentumDecay)/2) and the product of the first ones.
import { realPower } from '../../math/powers.js';

/** What the momenta depend on. */
export interface MomentumSchedule {
  readonly beta1: number;
  readonly momentumDecay: number;
}

/** Far below half a unit in the last place of 1: 1 less such a product is 1. */
const NEGLIGIBLE = 2 ** -60;
/** The product found last, so that the next step's is one factor more and not t of them. */
const last = new WeakMap<MomentumSchedule, { readonly t: number; readonly product: number }>();

/** µ_t, t from 1. */
export function momentumAt(beta1: number, momentumDecay: number, t: number): number {
  return beta1 * (1 - 0.5 * realPower(0.96, t * momentumDecay));
}

/** µ_1·…·µ_t, multiplied in this order; some number below 2^-60 where it is that small. @param schedule an optimizer's spec, which does not change */
export function momentumProduct(schedule: MomentumSchedule, t: number): number {
  const found = last.get(schedule);
  let { t: done, product } = found !== undefined && found.t <= t ? found : { t: 0, product: 1 };
  while (done < t && product > NEGLIGIBLE) product *= momentumAt(schedule.beta1, schedule.momentumDecay, ++done);
  last.set(schedule, { t: done, product });
  return product;
}
