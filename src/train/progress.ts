// The line that tells how training goes: Keras-like, rewritten in place on a terminal, one line an epoch elsewhere.
import type { Logs } from './history.js';
import { getHost } from './host.js';

/** 0 silent, 1 a progress line, 2 one line an epoch. */
export type Verbose = 0 | 1 | 2;

/** Milliseconds between two drawings of the line. */
const REDRAW = 80;
const BAR = 20;

/** Shows a fit's progress. */
export class Progress {
  readonly #epochs: number;
  readonly #steps: number;
  readonly #rows: number;
  readonly #firstEpoch: number;
  readonly #inPlace: boolean;
  readonly #silent: boolean;
  #fitStart = 0;
  #epochStart = 0;
  #drawn = -Infinity;
  #width = 0;

  /** @param verbose what was asked for @param params of the fit @param firstEpoch initialEpoch */
  constructor(verbose: Verbose, params: { readonly epochs: number; readonly steps: number; readonly samples: number }, firstEpoch: number) {
    this.#silent = verbose === 0;
    this.#inPlace = verbose === 1 && getHost().isTerminal;
    this.#epochs = params.epochs;
    this.#steps = params.steps;
    this.#rows = params.samples;
    this.#firstEpoch = firstEpoch;
    this.#fitStart = getHost().now();
  }

  /** Nothing is ever written: epochs need no stop for it. */
  get silent(): boolean {
    return this.#silent;
  }

  beginEpoch(): void {
    this.#epochStart = getHost().now();
  }

  /** @param epoch from 0 @param step updates made in this epoch @param rows rows seen in this epoch @param logs figures so far */
  update(epoch: number, step: number, rows: number, logs: Readonly<Logs>): void {
    const now = getHost().now();
    if (!this.#inPlace || now - this.#drawn < REDRAW) return;
    this.#drawn = now;
    const filled = Math.floor((BAR * step) / this.#steps);
    const bar = filled >= BAR ? '='.repeat(BAR) : `${'='.repeat(filled)}>${' '.repeat(BAR - filled - 1)}`;
    const head = `Epoch ${epoch + 1}/${this.#epochs}  [${bar}] ${step}/${this.#steps}`;
    this.#draw([head, ...figures(logs), this.#speed(now, rows), this.#left(now, epoch, rows)].join('  '));
  }

  /** @param logs the epoch's figures, validation included */
  endEpoch(epoch: number, logs: Readonly<Logs>): void {
    if (this.#silent) return;
    const now = getHost().now();
    const took = `${seconds(now - this.#epochStart)}`;
    const parts = [`Epoch ${epoch + 1}/${this.#epochs}`, took, ...figures(logs), this.#speed(now, this.#rows)];
    if (epoch + 1 < this.#epochs) parts.push(this.#left(now, epoch, this.#rows));
    const line = parts.join('  ');
    if (this.#inPlace) {
      this.#draw(line);
      getHost().write('\n');
      this.#width = 0;
    } else {
      getHost().write(`${line}\n`);
    }
    this.#drawn = -Infinity;
  }

  /** Leaves the cursor on a fresh line when a fit ends in the middle of an epoch. */
  interrupt(): void {
    if (this.#width > 0) getHost().write('\n');
    this.#width = 0;
  }

  #draw(line: string): void {
    const text = line.slice(0, Math.max(20, getHost().columns - 1));
    getHost().write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  #speed(now: number, rows: number): string {
    const elapsed = Math.max(now - this.#epochStart, 0.01);
    return `${short((rows / elapsed) * 1000)} samples/s`;
  }

  #left(now: number, epoch: number, rows: number): string {
    const done = (epoch - this.#firstEpoch) * this.#rows + rows;
    const all = (this.#epochs - this.#firstEpoch) * this.#rows;
    return done === 0 ? '' : `${seconds(((now - this.#fitStart) / done) * (all - done))} left`;
  }
}

function figures(logs: Readonly<Logs>): string[] {
  return Object.entries(logs).map(([name, value]) => `${name} ${figure(value)}`);
}

/** Four decimals, or scientific where these would say nothing. */
function figure(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(2) : value.toFixed(4);
}

function seconds(milliseconds: number): string {
  const total = milliseconds / 1000;
  if (total < 10) return `${total.toFixed(1)} s`;
  if (total < 100) return `${Math.round(total)} s`;
  const minutes = Math.floor(total / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(total - 60 * minutes)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (value >= 1e3) return `${Math.round(value / 1e3)}k`;
  return value.toFixed(0);
}
