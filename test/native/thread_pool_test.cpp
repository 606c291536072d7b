#include "cpu/thread_pool.h"

#include <numeric>

#include "harness.h"

using lstm::cpu::Range;
using lstm::cpu::Team;
using lstm::cpu::ThreadPool;

TEST("shares of a range are disjoint, in order, whole, and cut at the grain") {
  for (int count : {1, 2, 3, 7})
    for (int64_t size : {0, 1, 5, 16, 17, 1000})
      for (int64_t grain : {1, 4, 16}) {
        int64_t at = 0;
        for (int i = 0; i < count; ++i) {
          const Range range = Team(i, count, nullptr).share(size, grain);
          CHECK(range.begin == at && range.end >= range.begin);
          CHECK(range.end == size || range.end % grain == 0);
          at = range.end;
        }
        CHECK(at == size);
      }
}

TEST("every index is visited once, whatever the thread count") {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> visits(round * 7 + 1);
      pool.parallelFor(1 + round % threads, static_cast<int64_t>(visits.size()), 3, [&](Range range) {
        for (int64_t i = range.begin; i < range.end; ++i) ++visits[i];
      });
      for (int count : visits) CHECK(count == 1);
    }
  }
}

TEST("a barrier inside a region separates its steps") {
  for (int threads : {2, 3, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 20; ++round) {
      std::vector<int> step(threads);
      std::atomic<bool> right{true};
      pool.run(threads, [&](const Team& team) {
        for (int s = 1; s <= 100; ++s) {
          step[team.index()] = s;
          team.wait();
          for (int other : step) right = right && other == s;
          team.wait();
        }
      });
      CHECK(right);
    }
  }
}

TEST("regions of changing width follow each other, with pauses long enough to sleep") {
  ThreadPool pool(4);
  std::atomic<int64_t> total{0};
  int64_t expected = 0;
  for (int round = 0; round < 3000; ++round) {
    const int count = 1 + round % 4;
    pool.run(count, [&](const Team& team) { total += team.index() + 1; });
    expected += count * (count + 1) / 2;
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(total == expected);
}

TEST("pools are made and destroyed without running anything") {
  for (int round = 0; round < 200; ++round) ThreadPool pool(1 + round % 5);
}

TEST("waiting threads use no processor time") {
  ThreadPool pool(2);
  pool.run(2, [](const Team&) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  timespec before, after;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double ms = (after.tv_sec - before.tv_sec) * 1e3 + (after.tv_nsec - before.tv_nsec) * 1e-6;
  CHECK(ms < 20);
}
