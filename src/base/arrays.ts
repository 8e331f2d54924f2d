// Which arrays are taken as numbers, and as what:
//
//   Uint8Array, Uint8ClampedArray (and Buffer)   as uint8, not copied
//   Float32Array, Float64Array                   as they are, not copied
//   Int8Array, Int16Array, Uint16Array, Float16Array   converted to float32, exactly
//   Int32Array, Uint32Array                      converted to float64, exactly
//   arrays of numbers, nested or flat            converted to the model's type, rounded to nearest
//   BigInt64Array, BigUint64Array                targets only, as numbers; refused beyond 2^53-1
//   booleans                                     targets only, as 0 and 1
//   DataView                                     refused: no element type


/** Floating-point type of parameters and arithmetic. */
export type DType = 'float32' | 'float64';
/** The typed array of a {@link DType}. */
export type FloatArray = Float32Array | Float64Array;
/** Types a sample matrix may have; others are converted or refused by src/model. */
export type InputArray = Uint8Array | Float32Array | Float64Array;

/** Typed arrays whose elements are numbers. */
export type NumericTypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Numbers as people have them: a typed array, an array of numbers, or arrays of rows. */
export type ArrayInput = NumericTypedArray | readonly number[] | readonly ArrayInput[];

/** Targets as people have them: numbers, and booleans or 64-bit integers in their place. */
export type TargetInput = ArrayInput | BigInt64Array | BigUint64Array | readonly (boolean | bigint)[] | readonly (readonly (boolean | bigint)[])[];

// By tag and not by instanceof: an array of another realm (a vm context, an iframe) is as good.
const numericTags = new Set([
  'Uint8Array', 'Uint8ClampedArray', 'Int8Array', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array',
]);

const tagGetter: unknown = Reflect.get(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag) ?? {}, 'get');

/** The element type's name, for example 'Uint8Array' for a Buffer too; undefined for what is no typed array. */
export function typedArrayTag(value: unknown): string | undefined {
  const tag: unknown = typeof tagGetter === 'function' && ArrayBuffer.isView(value) ? Reflect.apply(tagGetter, value, []) : undefined;
  return typeof tag === 'string' ? tag : undefined;
}

/** True for typed arrays of numbers; false for BigInt arrays and DataView. */
export function isNumericTypedArray(value: unknown): value is NumericTypedArray {
  const tag = typedArrayTag(value);
  return tag !== undefined && numericTags.has(tag);
}

/** A typed array in a type that backends read, by the table above. @param array any numeric typed array */
export function toInputArray(array: NumericTypedArray): InputArray {
  switch (typedArrayTag(array)) {
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return new Uint8Array(array.buffer, array.byteOffset, array.length);
    case 'Float32Array':
      return array instanceof Float32Array ? array : new Float32Array(array.buffer, array.byteOffset, array.length);
    case 'Float64Array':
      return array instanceof Float64Array ? array : new Float64Array(array.buffer, array.byteOffset, array.length);
    case 'Int32Array':
    case 'Uint32Array':
      return Float64Array.from(array);
    default:
      return Float32Array.from(array);
  }
}
