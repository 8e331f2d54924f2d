// One description of work for both manners of calling: a generator that yields the steps which may wait, and two drivers.

import { getEnvironment } from './environment.js';

/** A piece of work in both manners. */
export interface Operation {
  sync(): void;
  async(): Promise<void>;
}
/** Work that yields its waiting parts and returns a result. */
export type Flow<Result> = Generator<Operation, Result, void>;

/** Yields one operation and returns what it gave. @param sync the blocking form @param async the waiting form */
export function* perform<Result>(sync: () => Result, async: () => Promise<Result>): Flow<Result> {
  const results: Result[] = [];
  yield {
    sync: () => void results.push(sync()),
    async: async () => void results.push(await async()),
  };
  const [result] = results;
  if (results.length !== 1) throw new Error('an operation was resumed before it was done');
  return result;
}

/** Lets the event loop have a turn; nothing where the caller waits. */
export function* turn(): Flow<void> {
  yield* perform(
    () => undefined,
    () => getEnvironment().yield(),
  );
}

/** Numbers worked on before the event loop has a turn: about two milliseconds of simple sums. */
const NUMBERS_A_TURN = 1 << 20;
let spent = 0;

/** Tells of work on this thread; after enough of it the event loop has a turn. @param numbers that were worked on */
export function* spend(numbers: number): Flow<void> {
  spent += numbers;
  if (spent < NUMBERS_A_TURN) return;
  spent = 0;
  yield* turn();
}

/** Runs a flow to its end without waiting. */
export function runSync<Result>(flow: Flow<Result>): Result {
  let next = flow.next();
  while (next.done !== true) {
    try {
      next.value.sync();
    } catch (error) {
      next = flow.throw(error);
      continue;
    }
    next = flow.next();
  }
  return next.value;
}

/** Runs a flow to its end. What precedes the first operation runs before this returns. */
export async function runAsync<Result>(flow: Flow<Result>): Promise<Result> {
  let next = flow.next();
  while (next.done !== true) {
    try {
      await next.value.async();
    } catch (error) {
      next = flow.throw(error);
      continue;
    }
    next = flow.next();
  }
  return next.value;
}
