// The contract of the kernels: plain functions in a table, one table per instruction set and dtype.
// Layouts, alignment and edge duties: docs/kernels.md. This header is compiled with every instruction set's flags,
// so it holds plain data only: no std templates, no inline functions, no static objects.
#pragma once
#include <cstddef>
#include <cstdint>

#include "ops.h"

namespace nabla {

// Keras' epsilon: keeps logarithms, divisors and lengths away from 0.
constexpr double loss_epsilon = 1e-7;
enum class InputType : int { uint8, float32, float64 };
// Of which magnitudes a norm is made: their squares' sum, their sum, the largest of them.
enum class Norm : int { squares, magnitudes, largest };
enum class TargetKind : int { none, labels, values };

// An activation whose way back needs z.
template <class T>
struct ZActivation {
  ZFunction function;
  T first, second;  // leaky_relu: slope; elu: alpha; thresholded_relu: theta; softplus: beta, threshold
};

// x -> x * scale, then + offset unless it is 0; or, where means are given, (x - mean) * scale of each feature.
template <class T>
struct Affine {
  T scale;
  T offset;
  const T* means = nullptr;
  const T* scales = nullptr;
};

// Update of parameters that share one rule and rate. Slots have the parameters' layout.
template <class T>
struct Update {
  Rule rule;
  T* parameters;
  T* slot0;
  T* slot1;
  T* slot2;
  T rate;           // learning rate, adam and adamax: alpha; times the layer's factor
  T dampening;      // sgd: multiplies the gradient on its way into the momentum
  T correction;     // adam, nadam: 1 / sqrt(1 - beta2^t)
  T momentum_rate;  // nadam: rate of the running mean, times the layer's factor
  T decay;          // adam, lion, nadam: decoupled weight decay times the rate and the layer's factor
  T l2, l1;         // 0 for biases
  T clip;           // gradients are limited to it, both ways, where `clips`
  T scale;          // gradients are multiplied by it where `scaled`
  T weight_decay;   // sgd
  T momentum;       // sgd, rmsprop
  T beta1, beta2;   // adam, adamax, lion; rmsprop, adadelta: rho is beta2
  T one_minus_beta1, one_minus_beta2, epsilon;
  bool nesterov, amsgrad, centered;
  bool clips, scaled;
  bool non_negative;  // parameters below 0 become 0
};

// Where weight_gradient's finished tiles go.
template <class T>
struct GradientSink {
  T* gradients;             // same layout as the parameters; null when only updating
  bool accumulate;          // continue the chains found in gradients
  const Update<T>* update;  // null: store gradients
};

template <class T>
struct LossRows {
  size_t rows;
  size_t outputs;
  const T* logits;  // (rows, ld); for mean squared error the outputs
  size_t ld;
  TargetKind kind;
  const int32_t* labels;   // (rows)
  const T* values;         // (rows, ld), padding 0
  const T* row_scale;      // (rows): fl(sampleWeight / denominator); null when no gradient is wanted
  const T* class_weights;  // softmax: class weights; sigmoid: positive weights; null = none. Padded with zeros.
  T smoothing_on;          // fl(1 - e + e/C); with values fl(1 - e)
  T smoothing_off;         // fl(e / C)
  bool smoothing;
  double* row_loss;   // (rows)
  T* dlogits;         // (rows, ld), padding written 0; null = no gradient
  T* outputs_out;     // (rows, ld): after the head; null = not wanted
  uint32_t* correct;  // added to; null where there is no notion of right
};

// Samples whose zeros are left out: each row lists the inputs that are not 0, with their values.
template <class T>
struct SparseLists {
  size_t count;
  const uint32_t* order;         // rows, those of like length together; output row = row
  const uint32_t* counts;        // entries of a row, by row
  const uint16_t* const* index;  // by row; readable up to the longest list of the rows
  T* values;                     // (rows, ld)
  size_t ld;
};
// The same samples by input: column c holds entries [starts[c], starts[c + 1]) of input first + c, rows ascending.
template <class T>
struct SparseColumns {
  size_t first, count;
  const uint32_t* starts;
  const uint32_t* rows;
  const T* values;
};

// The same of at most `most_bit_rows` rows, cheaper to make: bit r of bits[c] says that row r has input first + c. A row's values are met
// in the order of its list, from values[begin[r]] on; `next` is room for as many numbers.
constexpr size_t most_bit_rows = 64;
template <class T>
struct SparseBits {
  size_t first, count, rows;
  const uint64_t* bits;
  const uint32_t* begin;
  uint32_t* next;
  const T* values;
};

// A small network on one small batch that stays the same for many steps: samples lie in the vector's lanes, parameters are scalars.
constexpr size_t tiny_layers = 8;
template <class T>
struct TinyLayer {
  size_t inputs, units;
  Activation activation;
  bool use_bias;
  double rate_factor;
  Update<T> weight, bias;  // rate, dampening, correction and decay are set a step
};
template <class T>
struct TinySteps {
  size_t layer_count, rows;
  TinyLayer<T> layers[tiny_layers];
  bool sigmoid_loss;         // sigmoid cross-entropy, else mean squared error
  const T* x;                // (inputs, width): a sample a lane
  const T* y;                // (outputs, width)
  const T* row_scale;        // (width)
  const double* row_weight;  // (width), 0 in lanes without a sample
  double denominator;
  const double* scalars;  // StepNumbers of native/core/spec.h: rate, dampening, correction, rate of the momentum, decay
  size_t stride;          // from one step's to the next one's; 0: the same for all
  size_t steps;
  double* losses;
  uint32_t* correct;
};

// Rows of a normalization: normal = (x - mean) * factor, one of each a row or a unit; gamma and beta (units), null where there is none.
template <class T>
struct NormRows {
  size_t rows, units, ld;
  const T* x;  // (rows, ld)
  const T* means;
  const T* factors;
  bool by_row;
  const T* gamma;
  const T* beta;
};

constexpr size_t list_slack = 16;
constexpr size_t random_counters = 16;

template <class T>
struct KernelTable {
  // rows[i] (or first_row + i where rows is null) of x (n, features) -> out (count, ld), converted and rescaled.
  void (*load_rows)(InputType type, const void* x, size_t features, const uint32_t* rows, size_t first_row, size_t count,
                    const Affine<T>* affines, size_t affine_count, T* out, size_t ld);
  // a (m, lda), packed weight (panels)(k)(width) -> out (m, ldo) = act(a weight^T + bias); softmax and of_z are left to softmax_rows and
  // z_forward.
  void (*dense_forward)(const T* a, size_t lda, size_t m, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                        Activation act);
  // dense_forward for samples given by their entries that are not 0. Fills the ends of shorter lists with value 0.
  void (*sparse_forward)(const SparseLists<T>* samples, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                         Activation act);
  // weight_gradient for the columns' inputs and all panels. False where an update made a weight that is not finite.
  bool (*sparse_weight_gradient)(const SparseColumns<T>* columns, const T* dz, size_t ldz, size_t inputs, size_t panels,
                                 const GradientSink<T>* sink);
  bool (*sparse_bit_gradient)(const SparseBits<T>* bits, const T* dz, size_t ldz, size_t inputs, size_t panels,
                              const GradientSink<T>* sink);
  // One row's share of the gradient, added in memory: for narrow layers whose gradient stays in L1.
  void (*sparse_scatter)(const uint16_t* index, const T* values, size_t count, const T* dz, size_t inputs, size_t panels, T* gradients);
  // Returns the steps done: fewer where the next step's loss, written to losses, was not finite.
  size_t (*tiny_steps)(TinySteps<T>* tiny);
  // count values of a list -> T, rescaled. Reads and writes up to list_slack elements more, so as to go in whole vectors.
  void (*load_values)(InputType type, const void* x, size_t count, const Affine<T>* affines, size_t affine_count, T* out);
  bool (*all_finite)(const T* x, size_t count);
  // The inputs of a row that are not 0, and their values in their own type; returns how many. Both arrays need room for features +
  // list_slack elements; what lies behind the list is written over.
  size_t (*list_row)(InputType type, const void* x, size_t features, uint16_t* index, void* values);
  // dz (m, ldz), transposed weight (input panels)(o)(width) -> dx (m, ldx) = dz weight, times act'(a) where a (m, ldx) is given.
  void (*dense_backward_input)(const T* dz, size_t ldz, size_t m, size_t o, const T* transposed, size_t panels, T* dx, size_t ldx,
                               const T* a, Activation act);
  // dweight for inputs [i0, i1) and panels [p0, p1): chain over m rows of x (m, ldx) and dz (m, ldz); offsets into a layer of `inputs`
  // inputs.
  void (*weight_gradient)(const T* x, size_t ldx, const T* dz, size_t ldz, size_t m, size_t inputs, size_t i0, size_t i1, size_t p0,
                          size_t p1, const GradientSink<T>* sink);
  // dbias for panels [p0, p1).
  void (*bias_gradient)(const T* dz, size_t ldz, size_t m, size_t p0, size_t p1, const GradientSink<T>* sink);
  // Applies an update to elements [begin, end), multiples of the width, with gradients in memory.
  void (*update)(const Update<T>* update, const T* gradients, size_t begin, size_t end);
  // out[i] = ((blocks[0][i] + blocks[1][i]) + ...) for i in [begin, end).
  void (*sum_blocks)(const T* blocks, size_t count, size_t stride, size_t begin, size_t end, T* out);
  // packed weight (panels)(inputs)(width) -> transposed (input panels)(panels * width)(width), for input panels [q0, q1) and panels [p0,
  // p1).
  void (*transpose_weight)(const T* weight, size_t inputs, size_t panels, size_t q0, size_t q1, size_t p0, size_t p1, T* transposed);
  // a = act(z), elementwise activations over whole rows; a may be z.
  void (*activation_forward)(Activation act, const T* z, T* a, size_t count);
  // dz = da * act'(a) over (rows, ld), elementwise activations only; in place.
  void (*activation_backward)(Activation act, const T* a, T* da, size_t rows, size_t ld);
  // a = f(z), and dz = da * f'(z) in da's place, over `count` elements (whole rows); z may be a on the way forward.
  void (*z_forward)(const ZActivation<T>* f, const T* z, T* a, size_t count);
  void (*z_backward)(const ZActivation<T>* f, const T* z, const T* a, T* da, size_t count);
  void (*softmax_rows)(T* z, size_t rows, size_t units, size_t ld);
  void (*softmax_backward)(const T* a, T* da, size_t rows, size_t units, size_t ld);
  void (*sigmoid_rows)(T* z, size_t rows, size_t ld);
  void (*softmax_cross_entropy)(const LossRows<T>* loss);
  void (*sigmoid_cross_entropy)(const LossRows<T>* loss);
  // Compares each output with its value; delta is huber's.
  void (*element_loss)(const LossRows<T>* loss, ElementLoss kind, T delta);
  // Compares each row of outputs with its row of values.
  void (*row_loss)(const LossRows<T>* loss, RowLoss kind);
  // Per weight row o: chain over inputs of w * w -> out (panels * width).
  void (*square_rows)(const T* weight, size_t inputs, size_t panels, T* out);
  // gradients = gradients + l2 * weight, then + l1 * sign(weight), over `count` elements, a multiple of the width; l2 and l1 where not 0.
  void (*penalty_gradient)(const T* weight, T l2, T l1, size_t count, T* gradients);
  // Per row o of x (panels)(inputs)(width): the norm's sum over inputs ascending, in double, multiply then add on every instruction set
  // -> out (panels * width). A NaN makes the row's NaN.
  void (*row_norms)(const T* x, size_t inputs, size_t panels, Norm norm, double* out);
  // weight_oi = weight_oi * factors[o]; factors (panels * width).
  void (*scale_rows)(T* weight, size_t inputs, size_t panels, const T* factors);
  // Philox4x32-10 of random_counters counters (counter + i, c1, c2, c3): four words of each in a row.
  void (*random_words)(uint32_t counter, uint32_t c1, uint32_t c2, uint32_t c3, const uint32_t* key, uint32_t* words);
  // out = keep ? a * factor : 0; mask (rows, ld) bytes are written. Counter and key as docs/numerics.md says.
  void (*dropout_forward)(const T* a, T* out, uint8_t* mask, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step,
                          uint32_t purpose, const uint32_t* key, uint64_t threshold, T factor);
  void (*dropout_backward)(T* da, const uint8_t* mask, size_t rows, size_t ld, T factor);

  // Passes of layered networks (core/layered.h) over (rows, ld). Padding of y stays as it is, and that of d.
  // y = x + deviation * normal numbers by counter, as dropout's masks; y may be x.
  void (*noise_forward)(const T* x, T* y, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step, uint32_t purpose,
                        const uint32_t* key, double deviation);
  void (*prelu_forward)(const T* alpha, const T* x, T* y, size_t rows, size_t units, size_t ld);
  void (*prelu_backward)(const T* alpha, const T* x, T* d, size_t rows, size_t units, size_t ld);
  // dalpha of units [u0, u1): a double chain over the rows each.
  void (*prelu_sums)(const T* x, const T* d, size_t rows, size_t ld, size_t u0, size_t u1, double* sums);
  // Mean and 1 / sqrt(variance + epsilon) of each row.
  void (*layer_statistics)(const T* x, size_t rows, size_t units, size_t ld, double epsilon, T* means, T* factors);
  // Mean and sum of squared differences of units [u0, u1).
  void (*batch_statistics)(const T* x, size_t rows, size_t ld, size_t u0, size_t u1, double* mean, double* squares);
  // y = normal * gamma + beta.
  void (*normalize)(const NormRows<T>* n, T* y);
  // Sums over the rows of d * normal and of d, for units [u0, u1).
  void (*norm_sums)(const NormRows<T>* n, const T* d, size_t u0, size_t u1, double* dgamma, double* dbeta);
  // d of y -> d of x, in place.
  void (*layer_backward)(const NormRows<T>* n, T* d);
  // The same, with a unit's mean of d, its mean of d * normal, and gamma * factor.
  void (*batch_backward)(const NormRows<T>* n, const T* mean_d, const T* mean_dn, const T* scaled, T* d);
};

enum class Isa : int { baseline, avx2, avx512, neon };
constexpr int isa_count = 4;

struct KernelSet {
  Isa isa;
  const char* name;
  const KernelTable<float>* f32;
  const KernelTable<double>* f64;
};

const KernelSet* baseline_kernels();
const KernelSet* avx2_kernels();  // null where not compiled for this architecture
const KernelSet* avx512_kernels();
const KernelSet* neon_kernels();

}  // namespace nabla
