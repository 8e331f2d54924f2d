// The third plan's engine (layered.h): the class, and what its threads share a batch by.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "engine.h"
#include "inference_pass.h"
#include "layered.h"
#include "layered_work.h"
#include "train_team.h"

namespace nabla {

inline size_t part(size_t count, size_t index, size_t parts) { return count * index / parts; }

// Phases of threads that work on one batch; one thread needs no barrier.
struct Crew {
  unsigned thread = 0, threads = 1;
  Barrier* barrier = nullptr;
  void meet() const {
    if (barrier != nullptr) barrier->wait(thread);
  }
  size_t lo(size_t count) const { return part(count, thread, threads); }
  size_t hi(size_t count) const { return part(count, thread + 1, threads); }
};

template <class T>
class Layered final : public Engine<T> {
  using Base = Engine<T>;
  using Work = LayeredWork<T>;
  using typename Base::Batch;
  using typename Base::Clock;
  using typename Base::Parameters;

 public:
  Layered(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind) : Base(std::move(spec), kernels, threads, kind) {}

  TrainOutcome train(const Data& data, const TrainRequest& request) override;
  void forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) override;
  void backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) override;
  void apply_gradients(const std::vector<const void*>& gradients, const double* scalars) override;
  EvaluateOutcome loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                     void* outputs) override;
  double get_state(const Arrays& arrays) const override;
  void set_state(const ConstArrays& arrays, double step) override;
  std::vector<size_t> stage_units() const override;
  std::vector<size_t> statistic_sizes() const override;

 private:
  using Base::flat_;
  using Base::k_;
  using Base::manual_rows_;
  using Base::plan_;
  using Base::spec_;
  using Base::step_;
  using Base::threads_;
  using Base::weights_mutex_;

  // The statistics of one batch, for the moving ones.
  struct Moved {
    size_t rows;
    std::vector<std::vector<double>> mean, squares;  // a batch normalization each
  };

  NormRows<T> norm_rows(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi) const;
  void statistics_of_batch(Work& w, const T* flat, size_t segment, size_t p, size_t rows, const Crew& crew) const;
  void moving_statistics(Work& w, const T* flat) const;
  void moving_statistics(const Pass& pass, PassMemory<T>& m, const T* flat, size_t u0, size_t u1) const;
  void pass_forward(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi, bool training) const;
  void forward(Work& w, const T* flat, size_t rows, bool training, const Crew& crew) const;
  void vector_gradients(Work& w, size_t segment, size_t p, size_t rows, T* gradients, const Crew& crew) const;
  void pass_backward(Work& w, size_t segment, size_t p, size_t lo, size_t hi) const;
  // From the logits' gradient to all gradients (flat), and to those of the samples as loaded where wanted.
  void backward(Work& w, size_t rows, T* gradients, T* partials, bool want_dx, const Crew& crew) const;
  void product_gradients(Work& w, size_t rows, T* gradients, T* partials, const Crew& crew) const;
  void write_dx(Work& w, size_t rows, void* dx) const;
  void move_statistics(const Pass& pass, size_t units, size_t rows, const double* mean, const double* squares);
  template <class Body>
  void each_batch_normalization(const Body& body) const;
  void keep_statistics(const Work& w, size_t rows);
  template <class Body>
  void run_crew(unsigned threads, const Body& body) const;
  void go_through(typename Base::Pass& pass, const Parameters& parameters, typename Clock::time_point until) const override;
  void check_rows(const char* op, size_t rows) const;
  size_t partials_size(size_t rows) const {
    const size_t count = gradient_blocks(rows, plan_.parameters);
    return count > 1 ? count * plan_.flat_size : 0;
  }

  std::unique_ptr<Work> training_;
  AlignedArray<T> gradients_, partials_;
  Work manual_work_;
  std::unique_ptr<Moved> waiting_;  // of the last forward_train or loss_and_gradients
};

template <class T>
template <class Body>
void Layered<T>::each_batch_normalization(const Body& body) const {
  for (size_t s = 0; s < plan_.segments.size(); ++s)
    for (size_t p = 0; p < plan_.segments[s].passes.size(); ++p)
      if (plan_.segments[s].passes[p].kind == PassKind::batch_normalization) body(plan_.segments[s], s, p);
}

}  // namespace nabla
