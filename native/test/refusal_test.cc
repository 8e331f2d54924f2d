// Networks where the system refuses threads: every call is answered, with the bytes that any number of threads gives.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "check.h"
#include "core/pool.h"
#include "few_threads.h"
#include "networks.h"

#if defined(NABLA_FEW_THREADS)
namespace {

using nabla::OutputKind;
using nabla::WeightsChoice;
using test::Job;

// Training, evaluation and prediction by four threads, or as many as there are.
std::vector<float> bytes_of(const Job& job) {
  const auto network = nabla::make_network(job.spec, nabla::best_kernels(), 4, nabla::PlanKind::fused);
  test::Random random(5);
  std::vector<std::vector<float>> parameters;
  nabla::ConstArrays start;
  for (const size_t size : network->parameter_sizes()) {
    parameters.emplace_back(size);
    random.fill(parameters.back().data(), size, 0.1f);
  }
  std::vector<std::vector<float>> zeros, statistics;
  for (const std::vector<float>& p : parameters) {
    start.parameters.push_back(p.data());
    zeros.emplace_back(p.size(), 0.0f);
  }
  start.slots.resize(job.spec.optimizer.slots());
  for (std::vector<const void*>& slot : start.slots)
    for (const std::vector<float>& z : zeros) slot.push_back(z.data());
  for (const size_t size : network->statistic_sizes()) statistics.emplace_back(size, 1.0f);
  for (const std::vector<float>& s : statistics) start.statistics.push_back(s.data());
  network->set_state(start, 0);
  const std::vector<double> scalars = job.scalars();
  const nabla::TrainOutcome trained = network->train(*job.data, job.request(scalars));
  std::vector<float> result(job.rows * network->outputs());
  network->predict(*job.data, {nullptr, 0, job.rows}, OutputKind::outputs, WeightsChoice::current, result.data());
  const nabla::EvaluateOutcome outcome = network->evaluate(*job.data, {nullptr, 0, job.rows}, WeightsChoice::current, nullptr);
  for (const double loss : trained.losses) result.push_back(static_cast<float>(loss));
  result.push_back(static_cast<float>(outcome.loss_sum));
  const auto taken_apart = [&](size_t rows) {
    std::vector<float> outputs(rows * network->outputs()), dx(rows * job.spec.input_size);
    std::vector<std::vector<float>> gradients = parameters;
    std::vector<void*> to;
    for (std::vector<float>& g : gradients) to.push_back(g.data());
    network->loss_and_gradients(*job.data, {nullptr, 0, rows}, to, dx.data(), outputs.data());
    for (const std::vector<float>& g : gradients) result.insert(result.end(), g.begin(), g.end());
  };
  taken_apart(job.rows);
  return result;
}

std::vector<Job> jobs() {
  std::vector<Job> result;
  test::Random random(3);
  for (const bool normalized : {false, true}) {
    Job job;
    job.name = normalized ? "layered" : "plain";
    std::vector<test::LayerSpec> layers{test::dense(300, test::Activation::relu)};
    if (normalized) layers.push_back(test::LayerSpec{test::LayerKind::layer_normalization});
    layers.push_back(test::dense(10, test::Activation::linear));
    job.spec = test::network(200, layers, test::LossName::softmax_cross_entropy, false);
    job.data = test::samples(job.spec, 600, test::InputType::float32, 0, test::TargetKind::labels, false, random);
    job.rows = 600;
    job.batch = 200;
    job.repeat = 2;
    result.push_back(job);
  }
  return result;
}

}  // namespace
#endif

int main() {
#if !defined(NABLA_FEW_THREADS)
  std::printf("skipped: refused threads (memory cannot be limited here)\n");
  CHECK(true);
#else
  // Children first: they must not inherit threads.
  std::vector<std::vector<std::vector<float>>> limited;
  for (const unsigned threads : {0u, 1u, 2u})
    for (const Job& job : jobs()) {
      int ends[2];
      CHECK(pipe(ends) == 0);
      const pid_t child = fork();
      if (child == 0) {
        alarm(60);
        const test::FewThreads few(threads);
        const std::vector<float> bytes = bytes_of(job);
        if (nabla::Pool::instance().available(4) != threads + 1 || !nabla::Pool::instance().take_refusal()) _exit(2);
        const char* from = reinterpret_cast<const char*>(bytes.data());
        for (size_t left = bytes.size() * sizeof(float); left > 0;) {
          const ssize_t written = write(ends[1], from, left);
          if (written <= 0) _exit(3);
          from += written;
          left -= static_cast<size_t>(written);
        }
        _exit(0);
      }
      close(ends[1]);
      std::string text;
      char buffer[65536];
      for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
      close(ends[0]);
      int status = 0;
      waitpid(child, &status, 0);
      CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                 job.name + " with " + std::to_string(threads) + " more threads; status " + std::to_string(status));
      limited.emplace_back();
      limited.back().emplace_back(text.size() / sizeof(float));
      std::memcpy(limited.back()[0].data(), text.data(), text.size() / sizeof(float) * sizeof(float));
    }
  const std::vector<Job> all = jobs();
  for (size_t i = 0; i < limited.size(); ++i) {
    const std::vector<float> expected = bytes_of(all[i % all.size()]);
    if (CHECK(limited[i][0].size() == expected.size()))
      CHECK_SAME(limited[i][0].data(), expected.data(), expected.size(), all[i % all.size()].name);
  }
#endif
  return test::finish("refusal_test");
}
