import type { ClippingSpec, NormType } from '../../backend/contract/spec.js';
import { checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';

/** Options that every optimizer takes: limits of the gradients, of which at most one may be given. A layer's penalty is part of its gradient and
 * is clipped with it (Keras, PyTorch); an optimizer's weightDecay is not. Names from Keras, arithmetic PyTorch's. */
export interface ClippingOptions {
  /** Each element of a gradient is limited to ±clipvalue. Above 0. */
  readonly clipvalue?: number;
  /** Each weight's or bias' gradient is multiplied by min(1, clipnorm / (its norm + 1e-6)). Above 0. */
  readonly clipnorm?: number;
  /** All gradients are multiplied by min(1, globalClipnorm / (the norm of all of them + 1e-6)): PyTorch's clip_grad_norm_. Above 0. */
  readonly globalClipnorm?: number;
  /** The norm: 2, the root of the sum of squares (default); 1, the sum of magnitudes; 'inf', the largest magnitude. */
  readonly normType?: NormType;
}

/** Their names. */
export const clippingNames = ['clipvalue', 'clipnorm', 'globalClipnorm', 'normType'] as const;
const limits = ['clipvalue', 'clipnorm', 'globalClipnorm'] as const;
const above0 = { minimum: 0, minimumOpen: true };

/** What was given, and nothing where nothing was. @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function checkClipping(op: string, options: ClippingOptions): ClippingSpec {
  const given = limits.filter((name) => options[name] !== undefined);
  if (given.length > 1) throw new NablaError('ERR_OPTION', `[${op}] gradients are clipped in one way. Expected one of ${limits.join(', ')}, received ${given.join(' and ')}.`);
  const name = given[0];
  const { normType } = options;
  if (normType !== undefined) checkNormType(op, normType, name);
  return { ...(name === undefined ? {} : { [name]: checkReal(op, name, options[name], above0) }), ...(normType === undefined ? {} : { normType }) };
}

function checkNormType(op: string, normType: unknown, limit: (typeof limits)[number] | undefined): void {
  if (normType !== 1 && normType !== 2 && normType !== 'inf') throw new NablaError('ERR_OPTION', `[${op}] unknown norm. Expected 1, 2 or 'inf' for normType, received ${show(normType)}.`);
  if (limit === undefined || limit === 'clipvalue') throw new NablaError('ERR_OPTION', `[${op}] normType belongs to a norm. Expected clipnorm or globalClipnorm beside it, received ${limit ?? 'neither'}.`);
}
