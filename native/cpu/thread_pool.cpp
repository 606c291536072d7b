#include "cpu/thread_pool.h"

#include <time.h>

#include <chrono>

namespace lstm::cpu {
namespace {

// How long a thread spins before it sleeps. One that sleeps gives its core away, in a virtual machine the machine's own
// with its caches: it is back after tens to hundreds of microseconds, and now and then on another thread's core. Within
// a region, shorter than a scheduler's slice, so that little is lost where the thread waited for has lost its core.
constexpr int64_t kSpinNs = 400'000;
// Between regions: what is between two steps of a training loop, as a rule.
constexpr int64_t kIdleSpinNs = 2'000'000;
// Between two looks at the clock, about a microsecond.
constexpr int kPauses = 32;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t wallNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void waitWhile(std::atomic<uint32_t>& value, uint32_t old, int64_t spinNs) {
  const int64_t end = wallNs() + spinNs;
  do {
    for (int i = 0; i < kPauses; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (wallNs() < end);
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

// For how long this thread has been on a core, spinning included; where that cannot be told all of its time counts, and no
// team is ever found wanting.
int64_t computedNs() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  timespec t;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0) return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
#endif
  return wallNs();
}

}  // namespace

void Barrier::wait(int count) {
  const uint32_t phase = phase_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    phase_.notify_all();
  } else {
    waitWhile(phase_, phase, kSpinNs);
  }
}

ThreadPool::ThreadPool(int threads)
    : threads_(threads), teamSize_(threads), workers_(new Worker[threads > 1 ? threads - 1 : 0]) {
  for (int i = 1; i < threads_; ++i) {
    Worker& worker = workers_[i - 1];
    worker.thread = std::thread([this, &worker, i] { work(worker, i); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  for (int i = 1; i < threads_; ++i) {
    Worker& worker = workers_[i - 1];
    worker.ticket.fetch_add(1, std::memory_order_release);
    worker.ticket.notify_one();
  }
  for (int i = 1; i < threads_; ++i) workers_[i - 1].thread.join();
}

// Only the workers of this region get a ticket: the others never look at the job, so the next one can be
// written as soon as these are done.
void ThreadPool::runErased(int count, Job job, void* context) {
  job_ = job;
  context_ = context;
  count_ = count;
  for (int i = 1; i < count; ++i) {
    Worker& worker = workers_[i - 1];
    worker.ticket.fetch_add(1, std::memory_order_release);
    worker.ticket.notify_one();
  }
  const int64_t start = wallNs();
  const int64_t before = computedNs();
  job(context, Team(0, count, &barrier_));
  int64_t computed = computedNs() - before;
  done_.wait(count);
  for (int i = 1; i < count; ++i) computed += workers_[i - 1].computedNs;
  const int64_t end = wallNs();
  teamSize_.add(count, end, end - start, computed);
}

int ThreadPool::worthwhile() {
  return teamSize_.reduced() ? teamSize_.at(wallNs()) : threads_;
}

void ThreadPool::work(Worker& worker, int index) {
  uint32_t seen = 0;
  for (;;) {
    waitWhile(worker.ticket, seen, kIdleSpinNs);
    ++seen;
    if (stopping_) return;
    const int count = count_;
    const int64_t before = computedNs();
    job_(context_, Team(index, count, &barrier_));
    worker.computedNs = computedNs() - before;
    done_.wait(count);
  }
}

}  // namespace lstm::cpu
