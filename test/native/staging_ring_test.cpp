#include "cuda/library/staging_ring.h"

#include <cstring>
#include <deque>
#include <functional>

#include "harness.h"

// The ring that brings batches to the card, on a model of two streams: what is asked for stands in a queue and runs as
// late as the rules allow, or the copy stream's as early. No CUDA is involved.
namespace {

enum class Schedule { kEagerCopies, kLateCopies };

struct Stream {
  std::deque<std::function<bool()>> queue;  // false: it waits for an event
};

struct Model {
  struct Moment {
    bool isRecorded = false;  // in a queue
    bool isReached = true;
  };
  using Event = Moment*;

  Schedule schedule;
  bool waitsForArrival = true;
  bool waitsForDeparture = true;
  Stream compute{};
  Stream copies{};

  bool runOne(Stream& stream) {
    if (stream.queue.empty() || !stream.queue.front()()) return false;
    stream.queue.pop_front();
    return true;
  }
  // Runs what must have run before `moment` is reached.
  void reach(Event moment) {
    while (!moment->isReached)
      harness::require(runOne(compute) || runOne(copies), "the streams wait for each other");
  }
  void finish() {
    while (runOne(compute) || runOne(copies)) {
    }
  }
  void push(Stream& stream, std::function<void()> work) {
    stream.queue.push_back([work = std::move(work)] {
      work();
      return true;
    });
    if (&stream == &copies && schedule == Schedule::kEagerCopies)
      while (runOne(copies)) {
      }
  }
  void record(Stream& stream, Event event) {
    event->isReached = false;
    push(stream, [event] { event->isReached = true; });
  }

  // What the ring asks for.
  void toSlot(void* device, const void* pinned, size_t bytes) {
    push(copies, [=] { std::memcpy(device, pinned, bytes); });
  }
  void toPlace(void* device, const void* pinned, size_t bytes) {
    push(compute, [=] { std::memcpy(device, pinned, bytes); });
  }
  void within(void* to, const void* from, size_t bytes) { toPlace(to, from, bytes); }
  void recordArrival(Event event) { record(copies, event); }
  void awaitArrival(Event event) {
    if (waitsForArrival) compute.queue.push_back([event] { return event->isReached; });
  }
  void recordDeparture(Event event) { record(compute, event); }
  void awaitDeparture(Event event) {
    if (waitsForDeparture) reach(event);
  }
};

// Batches of changing sizes through one place, which a step reads behind each; whether every step read its own batch.
bool everyStepReadsItsBatch(Model model) {
  constexpr size_t kSlots = 3, kSlotBytes = 64, kDirectBytes = 16, kMost = 300;
  std::vector<Model::Moment> moments(2 * kSlots);
  std::vector<lstm::gpu::StagingRing<Model>::Slot> slots;
  for (size_t i = 0; i < kSlots; ++i) slots.push_back({&moments[2 * i], &moments[2 * i + 1]});
  std::vector<unsigned char> pinned(kSlots * kSlotBytes), device(kSlots * kSlotBytes), place(kMost);
  lstm::gpu::StagingRing<Model> ring(model, slots, kSlotBytes, kDirectBytes, pinned.data(), device.data());
  bool isRight = true;
  for (int step = 0; step < 40; ++step) {
    const size_t bytes = step % 5 == 0 ? 8 : 1 + 37 * step % kMost;
    std::vector<unsigned char> batch(bytes, static_cast<unsigned char>(step + 1));
    ring.copyIn(place.data(), batch.data(), bytes);
    std::fill(batch.begin(), batch.end(), static_cast<unsigned char>(0xFF));  // the caller's own again
    model.push(model.compute, [&isRight, &place, bytes, step] {
      for (size_t i = 0; i < bytes; ++i)
        isRight = isRight && place[i] == static_cast<unsigned char>(step + 1);
    });
  }
  model.finish();
  return isRight;
}

}  // namespace

TEST(
    "batches go through the staging ring in order, whichever stream is ahead, and the caller's memory is "
    "free") {
  CHECK(everyStepReadsItsBatch({Schedule::kEagerCopies}));
  CHECK(everyStepReadsItsBatch({Schedule::kLateCopies}));
}

TEST("the model of two streams sees a ring that does not wait for an arrival or a departure") {
  CHECK(!everyStepReadsItsBatch({Schedule::kLateCopies, false, true}));
  CHECK(!everyStepReadsItsBatch({Schedule::kEagerCopies, true, false}));
}
