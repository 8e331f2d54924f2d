// A network as the binding sees it: whole steps, whole batches, canonical arrays. Executor in src/backend/contract/executor.ts is the
// contract.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "../kernels/kernels.h"
#include "aligned.h"
#include "data.h"
#include "spec.h"

namespace nabla {

// Positions [from, to) of order, or of 0, 1, 2, ... where order is null.
struct Rows {
  const uint32_t* order = nullptr;
  size_t from = 0, to = 0;
};

struct TrainRequest {
  Rows rows;
  size_t batch_size = 1, repeat = 1, first_step = 0;
  // StepNumbers of each step, from step 0 of all passes; with stride 0 of every step.
  const double* scalars = nullptr;
  size_t stride = step_numbers;
  double max_milliseconds = 0;
  bool outputs = false;
};
enum class Stopped : int { done, slice, aborted, non_finite };
struct TrainOutcome {
  size_t steps = 0;
  std::vector<double> losses;
  std::vector<uint32_t> correct;
  Stopped stopped = Stopped::done;
  size_t output_rows = 0;
  AlignedArray<uint8_t> outputs;  // compact (rows, outputs) in the network's dtype
};

struct EvaluateOutcome {
  double loss_sum = 0, denominator = 1, penalty = 0;
  double correct = 0;
};

// The weights of a moment, for any number of inferences: those published then, or the current ones, of which it is given a copy when they
// change. The network outlives it.
class Reading {
 public:
  virtual ~Reading() = default;
};

// An evaluation or prediction made in slices, all of them with the weights of its reading. Network, data, order and outputs outlive it.
class Inference {
 public:
  virtual ~Inference() = default;
  // Goes on for about `milliseconds`; true when all rows are done.
  virtual bool go_on(double milliseconds) = 0;
  // Of an evaluation, when it is done.
  const EvaluateOutcome& outcome() const { return outcome_; }

 protected:
  EvaluateOutcome outcome_;
};

enum class OutputKind { outputs, logits };
enum class WeightsChoice { current, published };

// All arrays are in the network's dtype, canonical (out, in) order.
struct ConstArrays {
  std::vector<const void*> parameters;
  std::vector<const void*> statistics;
  std::vector<std::vector<const void*>> slots;
};
struct Arrays {
  std::vector<void*> parameters;
  std::vector<void*> statistics;
  std::vector<std::vector<void*>> slots;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual TrainOutcome train(const Data& data, const TrainRequest& request) = 0;
  // outputs: null or room for (rows, outputs). On the calling thread to the end, or in slices.
  virtual EvaluateOutcome evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) = 0;
  virtual void predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) = 0;
  virtual std::shared_ptr<const Reading> read(WeightsChoice weights) const = 0;
  // `reading` comes from this network.
  virtual std::unique_ptr<Inference> begin_evaluate(const Data& data, const Rows& rows, std::shared_ptr<const Reading> reading,
                                                    void* outputs) = 0;
  virtual std::unique_ptr<Inference> begin_predict(const Data& data, const Rows& rows, OutputKind kind,
                                                   std::shared_ptr<const Reading> reading, void* out) = 0;
  virtual void predict_array(InputType type, const void* x, size_t rows, OutputKind kind, WeightsChoice weights, void* out) = 0;

  // Training forward pass; fills outputs, logits and one activation array a stage.
  virtual void forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) = 0;
  // Returns false where no forward_train came before or the number of rows differs.
  virtual size_t forward_rows() const = 0;
  virtual void backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) = 0;
  virtual void apply_gradients(const std::vector<const void*>& gradients, const double* scalars) = 0;
  // Returns loss and penalty.
  virtual EvaluateOutcome loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                             void* outputs) = 0;

  virtual void publish() = 0;
  // Returns the number of updates made.
  virtual double get_state(const Arrays& arrays) const = 0;
  virtual void set_state(const ConstArrays& arrays, double step) = 0;

  virtual size_t outputs() const = 0;
  virtual size_t bytes() const = 0;
  // Sizes of the trainable arrays in canonical order.
  virtual std::vector<size_t> parameter_sizes() const = 0;
  virtual std::vector<size_t> stage_units() const = 0;
  // Sizes of the moving statistics, mean and variance of each batch normalization.
  virtual std::vector<size_t> statistic_sizes() const { return {}; }

  const NetworkSpec& spec() const { return spec_; }
  unsigned threads() const { return threads_; }
  const KernelSet& kernels() const { return *kernels_; }
  void abort() { abort_.store(true, std::memory_order_relaxed); }
  void clear_abort() { abort_.store(false, std::memory_order_relaxed); }

 protected:
  Network(NetworkSpec spec, const KernelSet* kernels, unsigned threads) : spec_(std::move(spec)), kernels_(kernels), threads_(threads) {}
  const NetworkSpec spec_;
  const KernelSet* const kernels_;
  const unsigned threads_;
  std::atomic<bool> abort_{false};
};

// How steps are made and by whose products; anything but the first stores gradients before every update.
enum class PlanKind { fused, materialised, openblas };
// Throws ERR_BACKEND where OpenBLAS is wanted and is not there.
std::unique_ptr<Network> make_network(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind);

}  // namespace nabla
