/** The stable codes a {@link NablaError} carries. Programs compare codes; messages are for people and may change. */
export type NablaErrorCode =
  /** An unknown name or option, or a combination of options that cannot work. */
  | 'ERR_OPTION'
  /** Lengths or shapes that do not fit together. */
  | 'ERR_SHAPE'
  /** A value of the wrong type. */
  | 'ERR_TYPE'
  /** A number outside the allowed range (a label of a class that does not exist, a negative rate). */
  | 'ERR_RANGE'
  /** NaN or infinity in the data, or a loss that became one. */
  | 'ERR_NON_FINITE'
  /** A call that does not fit the object's state (not compiled, disposed, frozen). */
  | 'ERR_STATE'
  /** A second fit while one runs. */
  | 'ERR_BUSY'
  /** Stopped by an AbortSignal; `cause` is the signal's reason. */
  | 'ERR_ABORTED'
  /** A file that is missing or cannot be read or written; `cause` is the system's error. */
  | 'ERR_FILE'
  /** A file whose content is malformed. */
  | 'ERR_FORMAT'
  /** A file written by a newer version. */
  | 'ERR_VERSION'
  /** More memory wanted than the machine or the cgroup allows. */
  | 'ERR_MEMORY'
  /** The native addon is missing, cannot be loaded, or lacks the wanted instruction set. */
  | 'ERR_BACKEND'
  /** An optional package is not installed; the message has the line that installs it. */
  | 'ERR_DEPENDENCY'
  /** A broken promise inside nabla: please report it. */
  | 'ERR_INTERNAL';

const marker = Symbol.for('nabla.NablaError');

/** Characters of one name, path or text of others in a message. */
const quotedLimit = 200;
/** Characters of a whole message: what is made of many short pieces ends somewhere too. */
const messageLimit = 2000;
/** Items of a list that are looked at: they are joined before the text is cut. */
const listLimit = 64;

/** A text of others in a message: what is too long loses its middle, since a path tells most at its end. @param text anything @param limit characters, default 200 */
export function brief(text: string, limit = quotedLimit): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 5) / 2);
  return `${text.slice(0, half)} ... ${text.slice(text.length - half)}`;
}

/** A list of others in a message: names or sizes, cut like {@link brief}. @param items as they are shown @param separator default ', ' */
export function showList(items: readonly (string | number)[], separator = ', '): string {
  const text = brief(items.slice(0, listLimit).join(separator));
  return items.length > listLimit ? `${text}${separator}... (${items.length} in all)` : text;
}

/**
 * The one class of errors that nabla throws. Message form: `[op] rule. Expected E for NAME, received V.`
 * What the caller's own code throws (a getter, a Proxy, a callback, an iterator) is not nabla's: it arrives as it was thrown.
 */
export class NablaError extends Error {
  readonly code: NablaErrorCode;
  /** @param code stable code  @param message text for a person  @param options `cause`: what led here */
  constructor(code: NablaErrorCode, message: string, options?: { cause?: unknown }) {
    // Any value: an error that is being made must not hide behind another one.
    super(brief(typeof message === 'string' ? message : show(message), messageLimit), options);
    this.name = 'NablaError';
    this.code = code;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** True for errors thrown by any copy of nabla in this process. @param error anything that was caught */
export function isNablaError(error: unknown): error is NablaError {
  return typeof error === 'object' && error !== null && marker in error;
}

/** Shows a received value in an error message: short, typed, never throwing. @param value anything */
export function show(value: unknown): string {
  if (typeof value === 'string') return brief(JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value));
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value === null || typeof value === 'undefined' || typeof value === 'boolean') return String(value);
  // The digits of a long one take time that grows with their square.
  if (typeof value === 'bigint') return value === BigInt.asIntN(128, value) ? `${value}n` : 'a BigInt of more than 128 bits';
  if (typeof value === 'function') return `function ${nameOf(value) ?? '(anonymous)'}`;
  if (typeof value === 'symbol') return brief(value.toString());
  try {
    if (ArrayBuffer.isView(value)) return `${className(value) ?? 'view'}(${'length' in value ? String(value.length) : value.byteLength})`;
    if (Array.isArray(value)) return `Array(${value.length})`;
    const name = className(value) ?? tagOf(value);
    return name === undefined ? 'an object' : `${/^[AEIO]/.test(name) && name !== 'Object' ? 'an' : 'a'} ${name}`;
  } catch {
    // A revoked proxy, or a getter of the caller's.
    return 'an object';
  }
}

/** What an object of a class without a name calls itself: a generator, an iterator. */
function tagOf(value: object): string | undefined {
  const tag: unknown = Reflect.get(value, Symbol.toStringTag);
  return typeof tag === 'string' && tag !== '' ? brief(tag) : undefined;
}

/** Name of an object's class; a constructor may be anything. */
function className(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype instanceof Object ? nameOf(prototype.constructor) : undefined;
}

function nameOf(value: unknown): string | undefined {
  try {
    const name: unknown = typeof value === 'function' ? Reflect.get(value, 'name') : undefined;
    return typeof name === 'string' && name !== '' ? brief(name) : undefined;
  } catch {
    return undefined;
  }
}
