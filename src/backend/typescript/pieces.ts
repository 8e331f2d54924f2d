// Long work in pieces. A generator yields where the event loop may have a turn; one driver runs it through, the other lets turns in between.

/** Work that yields between two pieces and returns a result. */
export type Pieces<Result> = Generator<undefined, Result, undefined>;

/** Multiplications of a piece: 2 to 8 ms. */
export const PIECE = 2 ** 22;
/** Numbers that make a piece of a pass that does little with each: 1 to 10 ms. */
export const PASS_PIECE = 2 ** 17;
/** Milliseconds of work after which the event loop has a turn. */
const WORK_MILLISECONDS = 12;

/** Columns of a product that make a piece: whole tiles, so that no tile is cut. @param work multiplications of one column */
export function pieceColumns(work: number): number {
  return Math.max(8, Math.floor(PIECE / (8 * Math.max(1, work))) * 8);
}

const noPause: readonly undefined[] = [];

/** Work on `rows` rows, some at a time; a few rows are done at once, without the cost of a generator. @param width numbers of a row @param work takes rows [first, end) */
export function inRows(rows: number, width: number, work: (first: number, end: number) => void): Iterable<undefined> {
  if (rows * width > PASS_PIECE) return partsOfRows(rows, width, work);
  work(0, rows);
  return noPause;
}

function* partsOfRows(rows: number, width: number, work: (first: number, end: number) => void): Pieces<void> {
  const step = Math.max(1, Math.floor(PASS_PIECE / width));
  for (let first = 0; first < rows; first += step) {
    if (first > 0) yield;
    work(first, Math.min(first + step, rows));
  }
}

/** Runs work to its end without waiting. */
export function finish<Result>(work: Pieces<Result>): Result {
  let next = work.next();
  while (next.done !== true) next = work.next();
  return next.value;
}

/** Runs work to its end; timers and sockets get their turns. What precedes the first turn runs before this returns. @param turn lets the event loop have one */
export async function finishInTurns<Result>(work: Pieces<Result>, turn: () => Promise<void>): Promise<Result> {
  let begin = performance.now();
  let next = work.next();
  while (next.done !== true) {
    if (performance.now() - begin >= WORK_MILLISECONDS) {
      await turn();
      begin = performance.now();
    }
    next = work.next();
  }
  return next.value;
}
