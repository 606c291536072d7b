#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lstm {

// The one thread a device's work runs on: first in, first out. libuv's pool keeps no order and serves files and DNS,
// so it is not used. Jobs must not throw.
//
// A job in two halves begins before the one before it has ended, if that one is in two halves too: at most
// kMostUnderWay have begun and not ended. The ends run in the order of the beginnings, and all of them before a job
// in one piece.
class DeviceThread {
 public:
  DeviceThread();
  ~DeviceThread();
  DeviceThread(const DeviceThread&) = delete;
  DeviceThread& operator=(const DeviceThread&) = delete;

  static constexpr size_t kMostUnderWay = 2;

  // False once stopped: the job is dropped.
  bool post(std::function<void()> job);
  // In two halves: `begin` gives what ends the job, or nothing when it has ended already.
  bool postInHalves(std::function<std::function<void()>()> begin);
  // Runs the job on the calling thread, the one that posts, once the work before it is done; this thread's own stands
  // still meanwhile. The job may throw and must not post. False once stopped.
  bool runHere(const std::function<void()>& job);
  // Runs what is queued (or drops it), then ends the thread. Idempotent; not from the thread itself.
  void stop(bool dropQueued);

 private:
  struct Job {
    std::function<void()> whole;  // or empty, and
    std::function<std::function<void()>()> begin;
  };

  bool push(Job job);
  void run();
  void endOldest();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  bool working_ = false;  // outside the wait for work, or with jobs under way
  std::deque<Job> queue_;
  std::deque<std::function<void()>> underWay_;  // of the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lstm
