// The network in one dtype: parameters in packed panels, the passes over rows, and the loops built from them.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "inference_block.h"
#include "network.h"
#include "plan.h"
#include "pool.h"
#include "scratch.h"
#include "sparse.h"

namespace nabla {

template <class T>
class Engine : public Network {
 public:
  Engine(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind);

  TrainOutcome train(const Data& data, const TrainRequest& request) override;
  EvaluateOutcome evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) override;
  void predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) override;
  std::shared_ptr<const Reading> read(WeightsChoice weights) const override;
  std::unique_ptr<Inference> begin_evaluate(const Data& data, const Rows& rows, std::shared_ptr<const Reading> reading,
                                            void* outputs) override;
  std::unique_ptr<Inference> begin_predict(const Data& data, const Rows& rows, OutputKind kind, std::shared_ptr<const Reading> reading,
                                           void* out) override;
  void predict_array(InputType type, const void* x, size_t rows, OutputKind kind, WeightsChoice weights, void* out) override;
  void forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) override;
  size_t forward_rows() const override { return manual_rows_; }
  void backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) override;
  void apply_gradients(const std::vector<const void*>& gradients, const double* scalars) override;
  EvaluateOutcome loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                     void* outputs) override;
  void publish() override;
  double get_state(const Arrays& arrays) const override;
  void set_state(const ConstArrays& arrays, double step) override;
  size_t outputs() const override { return plan_.last().units; }
  size_t bytes() const override;
  std::vector<size_t> parameter_sizes() const override;
  std::vector<size_t> stage_units() const override;

 protected:
  // Whether the first layer's weights are all finite: looked at when somebody asks, and kept.
  enum class Finite { unknown, yes, no };
  struct Published {
    AlignedArray<T> flat;
    mutable std::atomic<Finite> first_finite{Finite::unknown};
  };
  // Parameters to read, held by `owner` or by the caller's lock.
  struct Parameters {
    const T* flat;
    std::atomic<Finite>* first_finite;
    std::shared_ptr<const Published> owner;
  };

  // Who changes the current weights gives those that read them a copy of what they were.
  struct Reader final : public Reading {
    std::shared_ptr<const Published> kept;  // null while the current weights are those; under readers_mutex_
  };

  // One batch of a data set, seen from position 0.
  struct Batch {
    const Data* data;
    Rows rows;
    size_t limit = 0;  // positions of the job end here: what lies between is gathered by later steps
    size_t size() const { return rows.to - rows.from; }
  };

  // --- engine.cc: passes over rows [lo, hi) of a scratch whose row 0 is the batch's position `at`
  void gather(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi, bool targets) const;
  // `first`: the first layer's samples in groups, where zeros are skipped.
  void forward(Scratch<T>& s, const T* flat, size_t lo, size_t hi, bool training, size_t at, const SparseLists<T>* first = nullptr) const;
  void gather_lists(const SparseSamples& lists, InputType type, size_t row, T* out) const;
  void gather_targets(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi) const;
  // Asks for the rows `ahead` positions later while these are converted.
  void gather_sparse(SparseRows<T>& rows, const Batch& batch, size_t at, size_t lo, size_t hi, size_t ahead) const;
  // Losses to row_loss[position], dlogits when the row scales are set, outputs after the head when wanted; counts right predictions.
  uint32_t loss(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi, double denominator, bool gradients, bool outputs,
                double* row_loss) const;
  // What dense_backward_input multiplies with: the transposed copy, or the unpacked weight itself.
  const T* way_back(const Stage& stage) const;
  // From the last stage's dactivation to every stage's dz.
  void backward_rows(Scratch<T>& s, size_t lo, size_t hi) const;
  // The activation behind dropout (training) of stage - 1, or the input.
  const T* stage_input(const Scratch<T>& s, size_t stage, bool training) const;
  size_t stage_input_ld(size_t stage) const { return stage == 0 ? plan_.input_ld : plan_.stages[stage - 1].ld; }
  ZActivation<T> z_activation(const Stage& stage) const;
  double denominator(const Batch& batch) const;
  double penalty(const T* flat) const;
  // Sum of `count` row losses in 8 lanes, each times its row's weight where the data has weights.
  double weighted_sum(const double* row_loss, const Batch& batch) const;
  void copy_rows(const T* from, size_t ld, size_t rows, size_t units, T* to) const;

  // --- train.cc
  struct Team;
  void prepare_updates(const double* scalars);
  void chunk_step(Team& team, const Batch& batch, unsigned thread);
  void block_step(Team& team, const Batch& batch, unsigned thread);
  void weight_phase(Scratch<T>& s, size_t rows, const std::vector<WeightRun>& runs, unsigned thread, unsigned threads, T* gradients,
                    bool accumulate, bool update);
  bool sparse_gradient(const SparseRows<T>& rows, SparseColumnLists<T>& lists, SparseColumnBits& bits, size_t m, size_t i0, size_t i1,
                       const T* dz, const GradientSink<T>& sink) const;
  void sparse_block_gradient(const SparseRows<T>& rows, SparseColumnLists<T>& lists, SparseColumnBits& bits, size_t m, const T* dz,
                             const GradientSink<T>& sink) const;
  void update_range(const T* gradients, unsigned thread, unsigned threads);
  void refresh_transposed(unsigned thread, unsigned threads);
  // Whether 0 stays 0 on its way into the first product, so that it may be left out.
  bool zeros_stay() const;
  // Lists of the samples' inputs that are not 0, where the rule of docs/kernels.md says to use them.
  const SparseSamples* sparse_samples(const Data& data) const;
  bool first_weights_finite(const T* flat, size_t i0, size_t i1) const;
  // A small network on one small batch: all steps in one kernel, on this thread.
  bool tiny(const Data& data, size_t batch_rows, size_t steps_a_pass, const TrainRequest& request) const;
  void tiny_train(const Data& data, const TrainRequest& request, size_t total, TrainOutcome& outcome);
  unsigned threads_for(size_t rows) const;
  bool prepare_team(Team& team, size_t rows, unsigned threads);
  bool change_team(Team& team, std::chrono::steady_clock::duration together, std::chrono::steady_clock::time_point now);

  // --- limits.cc: clipping by norms, and constraints that look at whole rows
  void clip_norms(Team& team, unsigned thread);
  // The penalties' parts of all gradients.
  void add_penalties(T* gradients) const;
  void gradient_norms(T* gradients, unsigned thread, unsigned threads);
  void scale_updates();
  void constrain_rows(unsigned thread, unsigned threads);
  double square_penalty(const Stage& stage, const T* flat) const;
  double absolute_penalty(const Stage& stage, const T* flat) const;
  // Calls part(offset from the flat array's begin, inputs) for all of a panel of a weight; unpacked weights come an input at a time.
  template <class Part>
  void panel_parts(const Stage& stage, size_t panel, const Part& part) const;
  // Each row's part of a norm over a panel of weights.
  void panel_norms(const T* flat, const Stage& stage, size_t panel, Norm norm, double* rows) const;

  // --- evaluate.cc
  using Clock = std::chrono::steady_clock;
  struct BlockLease;
  struct Pass;
  class Sliced;
  Parameters weights_for(WeightsChoice choice) const;
  std::shared_ptr<const Published> copy_of_weights() const;
  // Before the weights change, under the writer's lock.
  void let_readers_keep();
  bool skips_zeros(const Data& data, const Parameters& parameters) const;
  // The batch's rows [at, at + m) through all layers; `skip`: without the samples' zeros where most are.
  void infer(InferenceBlock<T>& block, const Batch& batch, size_t at, size_t m, bool targets, const T* flat, bool skip) const;
  bool list_block(InferenceBlock<T>& block, const Batch& batch, size_t at, size_t m) const;
  unsigned inference_threads(size_t rows, size_t step) const;
  // Rows from where the pass is until `until`, at least a block a thread.
  virtual void go_through(Pass& pass, const Parameters& parameters, Clock::time_point until) const;
  bool go_on(Pass& pass, const Parameters& parameters, Clock::time_point until, EvaluateOutcome& outcome) const;
  void go_to_the_end(Pass& pass, WeightsChoice weights, EvaluateOutcome& outcome) const;
  void head(T* z, size_t rows) const;

  // --- manual.cc
  template <class Body>
  void over_rows(size_t rows, const Body& body) const;
  void write_gradients(Scratch<T>& s, size_t rows, bool with_l2, const std::vector<void*>& gradients, void* dx);
  void unpack(const T* flat, const std::vector<void*>& arrays) const;
  void pack(const std::vector<const void*>& arrays, T* flat) const;

  const KernelTable<T>& k_;
  const Plan plan_;
  const bool materialised_;  // gradients are stored before any update: asked for, or their norms are wanted
  const bool row_constraints_;
  std::vector<Affine<T>> affines_;
  std::vector<std::vector<T>> feature_numbers_;  // that affines_ point to
  std::vector<T> class_weights_;                 // padded
  AlignedArray<T> flat_, transposed_, slot0_, slot1_, slot2_;
  std::vector<Update<T>> updates_;  // weight and bias of each stage
  std::vector<double> norms_;       // of each row of the gradients: weight and bias of each stage, whole panels
  double step_ = 0;
  uint32_t key_[2];

  mutable std::shared_mutex weights_mutex_;
  mutable std::mutex published_mutex_;
  std::shared_ptr<const Published> published_;
  mutable std::mutex readers_mutex_;
  mutable std::vector<std::weak_ptr<Reader>> readers_;         // of the current weights
  mutable std::atomic<Finite> first_finite_{Finite::unknown};  // of flat_: unknown again before it changes

  // While other processes hold the processors one thread works alone. A short job must not lose its second thread for long to a process
  // that came and went.
  static constexpr std::chrono::milliseconds solo_shortest{16};
  std::chrono::steady_clock::time_point solo_until_{};
  std::chrono::steady_clock::duration solo_ = solo_shortest;

  // Training memory: kept between calls, grown when a larger batch or team comes.
  std::unique_ptr<Team> team_;
  // Inference memory: one block a thread that is at work.
  mutable std::mutex blocks_mutex_;
  mutable std::vector<std::unique_ptr<InferenceBlock<T>>> blocks_;
  // forward_train keeps its pass here.
  Scratch<T> manual_;
  size_t manual_rows_ = 0;
};

template <class T>
const KernelTable<T>& kernel_table(const KernelSet& set);

}  // namespace nabla
