#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include "cpu/team_size.h"

namespace lstm::cpu {

// Where several threads wait for each other, as often as they like. Spins for 0.4 ms, then sleeps.
class Barrier {
 public:
  void wait(int count);

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> phase_{0};
};

// A half-open range of indices.
struct Range {
  int64_t begin;
  int64_t end;
  int64_t size() const { return end - begin; }
};

// One thread's place in a parallel region.
class Team {
 public:
  Team(int index, int count, Barrier* barrier) : index_(index), count_(count), barrier_(barrier) {}
  int index() const { return index_; }
  int count() const { return count_; }
  // Every thread of the region must come here.
  void wait() const {
    if (count_ > 1) barrier_->wait(count_);
  }
  // This thread's share of 0..size, in multiples of `grain`.
  Range share(int64_t size, int64_t grain = 1) const {
    const int64_t units = (size + grain - 1) / grain;
    const int64_t begin = units * index_ / count_ * grain;
    const int64_t end = units * (index_ + 1) / count_ * grain;
    return {begin < size ? begin : size, end < size ? end : size};
  }

 private:
  int index_;
  int count_;
  Barrier* barrier_;
};

// Threads that live as long as the pool; the caller of run() is one of them. Between regions they spin
// for 2 ms and then sleep. Used by one thread at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // body(Team) on `count` threads at once, 1 <= count <= threads(); returns when all are done. body must not
  // throw.
  template <typename Body>
  void run(int count, Body&& body) {
    if (count <= 1) {
      body(Team(0, 1, nullptr));
      return;
    }
    using Plain = std::remove_reference_t<Body>;
    runErased(
        count, [](void* context, const Team& team) { (*static_cast<Plain*>(context))(team); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

  // body(Range) over shares of 0..size that depend on nothing but size, grain and count.
  template <typename Body>
  void parallelFor(int count, int64_t size, int64_t grain, Body&& body) {
    run(count, [&](const Team& team) {
      const Range range = team.share(size, grain);
      if (range.size() > 0) body(range);
    });
  }

  // Threads worth waking for so many elementary operations (multiply-adds, elements), and beside what else runs here.
  int threadsFor(double operations, double perThread = 50e3) {
    const double useful = operations / perThread;
    if (useful < 2) return 1;
    const int most = worthwhile();
    return useful >= most ? most : static_cast<int>(useful);
  }

 private:
  using Job = void (*)(void* context, const Team& team);
  struct Worker {
    alignas(64) std::atomic<uint32_t> ticket{0};
    int64_t computedNs = 0;  // in the region that is over
    std::thread thread;
  };

  int worthwhile();
  void runErased(int count, Job job, void* context);
  void work(Worker& worker, int index);

  int threads_;
  TeamSize teamSize_;
  bool stopping_ = false;
  Job job_ = nullptr;
  void* context_ = nullptr;
  int count_ = 0;
  Barrier barrier_;
  Barrier done_;
  std::unique_ptr<Worker[]> workers_;
};

}  // namespace lstm::cpu
