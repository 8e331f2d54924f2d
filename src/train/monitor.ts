import { checkName } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import { metricDirections, metricNames } from '../metrics/by-name.js';
import { isLossName } from '../metrics/loss-names.js';
import type { Logs } from './history.js';

/** Whether a figure shall fall or rise. 'auto': by its name. */
export type MonitorMode = 'auto' | 'min' | 'max';

/** A figure that a callback watches. */
export interface Monitor {
  readonly op: string;
  readonly name: string;
  readonly mode: 'min' | 'max';
}

/** @param name of a figure @param mode default 'auto' @throws ERR_TYPE, ERR_OPTION where the name does not tell the mode */
export function checkMonitor(op: string, name: unknown, mode: unknown): Monitor {
  if (typeof name !== 'string' || name === '') {
    throw new NablaError('ERR_TYPE', `[${op}] a callback watches one figure. Expected a name such as 'val_loss' for monitor, received ${show(name)}.`);
  }
  const known = checkName(op, 'mode', mode ?? 'auto', ['auto', 'min', 'max']);
  return { op, name, mode: known === 'auto' ? modeOf(op, name) : known };
}

function modeOf(op: string, name: string): 'min' | 'max' {
  const figure = name.replace(/^val_/, '');
  const metric = metricNames.find((known) => known === figure);
  if (metric !== undefined) return metricDirections[metric];
  // A cosine that a callback adds may be the loss or its opposite.
  if (figure === 'loss' || (isLossName(figure) && figure !== 'cosineSimilarity')) return 'min';
  // Figures that callbacks add.
  if (/(_loss|error|crossentropy)$/i.test(figure)) return 'min';
  if (/accuracy$/i.test(figure)) return 'max';
  // A guess that is wrong would keep the worst weights.
  throw new NablaError('ERR_OPTION', `[${op}] the mode is known of losses, errors and metrics (loss, ${metricNames.join(', ')}, with val_ before). Expected mode 'min' or 'max' for monitor ${show(name)}, received 'auto'.${didYouMean(name, [...metricNames, 'loss'].flatMap((figure) => [figure, `val_${figure}`]))}`);
}

/** The watched figure of an epoch. @throws ERR_OPTION where the epoch has none of that name */
export function readMonitor({ op, name }: Monitor, logs: Readonly<Logs>): number {
  if (Object.hasOwn(logs, name)) return logs[name];
  const hint = name.startsWith('val_') ? '; validationData or validationSplit of fit gives the val_ figures' : '';
  throw new NablaError('ERR_OPTION', `[${op}] a fit has the watched figure. Expected one of ${Object.keys(logs).join(', ')} for monitor, received ${show(name)}${hint}.${didYouMean(name, Object.keys(logs))}`);
}

/** The plain rule: better by more than `minDelta`. NaN is never better; `best` null is before the first figure. */
export function isBetter({ mode }: Monitor, value: number, best: number | null, minDelta: number): boolean {
  if (best === null) return !Number.isNaN(value);
  return mode === 'min' ? value < best - minDelta : value > best + minDelta;
}
