// Writes a chain of dense layers as an ONNX file (protobuf by hand: a few tags are all it takes), for the peers that read only that.

const text = (value) => new TextEncoder().encode(value);
function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
function concat(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
const number = (tag, value) => concat([varint(tag << 3), varint(value)]);
const bytes = (tag, value) => concat([varint((tag << 3) | 2), varint(value.length), value]);
const string = (tag, value) => bytes(tag, text(value));
const message = (tag, ...fields) => bytes(tag, concat(fields));

const FLOAT = 1;
const tensor = (name, dims, values) =>
  message(5, ...dims.map((size) => number(1, size)), number(2, FLOAT), string(8, name), bytes(9, new Uint8Array(values.slice().buffer)));
const node = (op, inputs, output, ...attributes) =>
  message(1, ...inputs.map((name) => string(1, name)), string(2, output), string(4, op), ...attributes);
const integer = (name, value) => message(5, string(1, name), number(3, value), number(20, 2));
/** A (batch, units) float value: the batch is open. */
const value = (tag, name, units) =>
  message(tag, string(1, name), message(2, message(1, number(1, FLOAT), message(2, message(1, string(2, 'batch')), message(1, number(1, units))))));

const OPS = { relu: 'Relu', sigmoid: 'Sigmoid', tanh: 'Tanh' };

/** @param layers [{ weight (out, in), bias, inputs, units }] @returns the file's bytes: input `x`, output `y` (probabilities after softmax) */
export function encodeOnnx(layers, activations) {
  const nodes = [];
  const tensors = [];
  let last = 'x';
  layers.forEach(({ weight, bias, inputs, units }, index) => {
    const final = index === layers.length - 1;
    const op = activations[index] === 'softmax' ? 'Softmax' : OPS[activations[index]];
    const sum = op === undefined && final ? 'y' : `sum${index}`;
    tensors.push(tensor(`weight${index}`, [units, inputs], weight), tensor(`bias${index}`, [units], bias));
    nodes.push(node('Gemm', [last, `weight${index}`, `bias${index}`], sum, integer('transB', 1)));
    last = sum;
    if (op !== undefined) {
      last = final ? 'y' : `value${index}`;
      nodes.push(node(op, [sum], last));
    }
  });
  const graph = message(7, ...nodes, string(2, 'network'), ...tensors, value(11, 'x', layers[0].inputs), value(12, 'y', layers.at(-1).units));
  return concat([number(1, 8), string(2, 'nabla bench'), graph, message(8, string(1, ''), number(2, 13))]);
}
