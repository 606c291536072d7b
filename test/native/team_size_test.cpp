#include "cpu/team_size.h"

#include "harness.h"

using lstm::cpu::TeamSize;

namespace {

constexpr int64_t kMs = 1'000'000;

// Regions of 1 ms one after the other, each thread on a core for `share` of it; the clock after them.
int64_t work(TeamSize& size, int64_t now, int64_t ms, double share) {
  for (int64_t i = 0; i < ms; ++i) {
    const int count = size.at(now);
    now += kMs;
    if (count > 1) size.add(count, now, kMs, static_cast<int64_t>(share * count * kMs));
  }
  return now;
}

}  // namespace

TEST("a team whose threads are on their cores stays whole") {
  TeamSize size(8);
  work(size, 0, 10'000, 0.65);
  CHECK(!size.reduced());
}

TEST("a team that waits for its slowest thread loses half of its threads, and ends with one but for trials") {
  TeamSize size(8);
  int64_t now = work(size, 0, 36, 0.5);
  CHECK(size.at(now) == 4);
  now = work(size, now, 5'000, 0.5);
  int alone = 0;
  for (int i = 0; i < 1'000; ++i) {
    now = work(size, now, 1, 0.5);
    alone += size.at(now) == 1;
  }
  CHECK(alone > 900);
}

TEST("a short disturbance changes nothing") {
  TeamSize size(2);
  int64_t now = 0;
  for (int i = 0; i < 100; ++i) now = work(size, work(size, now, 24, 0.3), 12, 0.95);
  CHECK(!size.reduced());
}

TEST("the whole team is tried again after 25 ms, and kept where it pays") {
  TeamSize size(2);
  int64_t now = work(size, 0, 36, 0.5);
  CHECK(size.at(now) == 1);
  CHECK(size.at(now + 24 * kMs) == 1);
  CHECK(size.at(now + 25 * kMs) == 2);
  work(size, now + 25 * kMs, 1000, 0.95);
  CHECK(!size.reduced());
}

TEST("trials that do not pay become rarer, down to one in 1.6 seconds") {
  TeamSize size(2);
  int64_t now = work(size, 0, 36, 0.5);
  for (int64_t pause : {25, 50, 100, 200, 400, 800, 1600, 1600}) {
    CHECK(size.at(now + (pause - 1) * kMs) == 1);
    now = work(size, now + pause * kMs, 12, 0.5);
    CHECK(size.at(now) == 1);
  }
  now = work(size, now + 1600 * kMs, 12, 0.9);
  CHECK(size.at(now) == 2);
  now = work(size, now, 36, 0.5);
  CHECK(size.at(now) == 1);
  CHECK(size.at(now + 25 * kMs) == 2);
}
