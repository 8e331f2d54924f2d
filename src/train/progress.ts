// The line that tells how training goes: Keras-like, rewritten in place on a terminal, one line an epoch elsewhere.
import { getEnvironment } from '../base/environment.js';
import type { Logs } from './history.js';

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
    this.#inPlace = verbose === 1 && getEnvironment().isTerminal();
    this.#epochs = params.epochs;
    this.#steps = params.steps;
    this.#rows = params.samples;
    this.#firstEpoch = firstEpoch;
    this.#fitStart = getEnvironment().now();
  }

  /** Nothing is ever written: epochs need no stop for it. */
  get silent(): boolean {
    return this.#silent;
  }

  beginEpoch(): void {
    this.#epochStart = getEnvironment().now();
  }

  /** @param epoch from 0 @param step updates made in this epoch @param rows rows seen in this epoch @param logs figures so far */
  update(epoch: number, step: number, rows: number, logs: Readonly<Logs>): void {
    const now = getEnvironment().now();
    if (!this.#inPlace || now - this.#drawn < REDRAW) return;
    this.#drawn = now;
    const filled = Math.floor((BAR * step) / this.#steps);
    const bar = filled >= BAR ? '='.repeat(BAR) : `${'='.repeat(filled)}>${' '.repeat(BAR - filled - 1)}`;
    const parts: Part[] = [
      { text: this.#head(epoch), rank: 0 },
      { text: `[${bar}]`, rank: 4 },
      { text: `${step}/${this.#steps}`, rank: 3 },
      ...figures(logs),
      { text: this.#speed(now, rows), rank: 2 },
      { text: this.#left(now, epoch, rows), rank: 1 },
    ];
    this.#draw(fit(parts, this.#room()));
  }

  /** @param logs the epoch's figures, validation included */
  endEpoch(epoch: number, logs: Readonly<Logs>): void {
    if (this.#silent) return;
    const now = getEnvironment().now();
    const parts: Part[] = [
      { text: this.#head(epoch), rank: 0 },
      ...figures(logs),
      { text: seconds(now - this.#epochStart), rank: 3 },
      { text: this.#speed(now, this.#rows), rank: 2 },
      { text: epoch + 1 < this.#epochs ? this.#left(now, epoch, this.#rows) : '', rank: 1 },
    ];
    if (this.#inPlace) {
      this.#draw(fit(parts, this.#room()));
      getEnvironment().write('\n');
      this.#width = 0;
    } else {
      getEnvironment().write(`${fit(parts, Infinity)}\n`);
    }
    this.#drawn = -Infinity;
  }

  /** Leaves the cursor on a fresh line when a fit ends in the middle of an epoch. */
  interrupt(): void {
    if (this.#width > 0) getEnvironment().write('\n');
    this.#width = 0;
  }

  #head(epoch: number): string {
    return `Epoch ${epoch + 1}/${this.#epochs}`;
  }

  /** One column less than the terminal has: some wrap when the last one is written. */
  #room(): number {
    return Math.max(20, getEnvironment().columns() - 1);
  }

  #draw(text: string): void {
    getEnvironment().write(`\r${text.padEnd(this.#width)}`);
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

/** A piece of the line; where the width is short, the highest rank goes first. */
interface Part {
  readonly text: string;
  readonly rank: number;
}

function fit(parts: readonly Part[], room: number): string {
  let kept = parts.filter((part) => part.text !== '');
  for (;;) {
    const line = kept.map((part) => part.text).join('  ');
    const highest = Math.max(...kept.map((part) => part.rank));
    if (line.length <= room) return line;
    if (highest === 0) return line.slice(0, room);
    kept = kept.filter((part) => part.rank < highest);
  }
}

function figures(logs: Readonly<Logs>): Part[] {
  return Object.entries(logs).map(([name, value]) => ({ text: `${name} ${figure(value)}`, rank: 0 }));
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
