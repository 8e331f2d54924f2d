// The kernels, written once over a vector type S (SimdF32, SimdF64) and compiled once per instruction set.
// No std templates, no shared inline functions: everything lives in this instruction set's namespace.
// The arithmetic is that of docs/numerics.md; comments say only why a loop is shaped as it is.
#pragma once
#include "activation-inl.h"
#include "dense-inl.h"
#include "dropout-inl.h"
#include "load-inl.h"
#include "loss-inl.h"
#include "norms-inl.h"
#include "passes-inl.h"
#include "row-loss-inl.h"
#include "sparse-inl.h"
#include "tiny-inl.h"
#include "z-activation-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

// In the order of KernelTable.
template <class S>
static constexpr KernelTable<typename S::T> table = {
    LoadKernels<S>::load_rows,
    DenseKernels<S>::dense_forward,
    SparseKernels<S>::sparse_forward,
    SparseKernels<S>::sparse_weight_gradient,
    SparseKernels<S>::sparse_bit_gradient,
    SparseKernels<S>::sparse_scatter,
    TinyKernels<S>::tiny_steps,
    LoadKernels<S>::load_values,
    LoadKernels<S>::all_finite,
    LoadKernels<S>::list_row,
    DenseKernels<S>::dense_backward_input,
    DenseKernels<S>::weight_gradient,
    DenseKernels<S>::bias_gradient,
    DenseKernels<S>::update,
    DenseKernels<S>::sum_blocks,
    DenseKernels<S>::transpose_weight,
    ActivationKernels<S>::activation_forward,
    ActivationKernels<S>::activation_backward,
    ZActivationKernels<S>::z_forward,
    ZActivationKernels<S>::z_backward,
    ActivationKernels<S>::softmax_rows,
    ActivationKernels<S>::softmax_backward,
    ActivationKernels<S>::sigmoid_rows,
    LossKernels<S>::softmax_cross_entropy,
    LossKernels<S>::sigmoid_cross_entropy,
    LossKernels<S>::element_loss,
    RowLossKernels<S>::row_loss,
    DenseKernels<S>::square_rows,
    NormKernels<S>::penalty_gradient,
    NormKernels<S>::row_norms,
    NormKernels<S>::scale_rows,
    DropoutKernels<S>::random_words,
    DropoutKernels<S>::dropout_forward,
    DropoutKernels<S>::dropout_backward,
    PassKernels<S>::noise_forward,
    PassKernels<S>::prelu_forward,
    PassKernels<S>::prelu_backward,
    PassKernels<S>::prelu_sums,
    PassKernels<S>::layer_statistics,
    PassKernels<S>::batch_statistics,
    PassKernels<S>::normalize,
    PassKernels<S>::norm_sums,
    PassKernels<S>::layer_backward,
    PassKernels<S>::batch_backward,
};

// The instruction set's name comes from NABLA_KERNELS itself.
#define NABLA_STRING2(x) #x
#define NABLA_STRING(x) NABLA_STRING2(x)
static constexpr KernelSet kernel_set = {Isa::NABLA_KERNELS, NABLA_STRING(NABLA_KERNELS), &table<SimdF32>, &table<SimdF64>};

}  // namespace NABLA_KERNELS
}  // namespace nabla
