#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lstm {

// The one thread a device's work runs on: first in, first out. libuv's pool keeps no order and serves files and DNS,
// so it is not used. Jobs must not throw.
class DeviceThread {
 public:
  DeviceThread();
  ~DeviceThread();
  DeviceThread(const DeviceThread&) = delete;
  DeviceThread& operator=(const DeviceThread&) = delete;

  // False once stopped: the job is dropped.
  bool post(std::function<void()> job);
  // Runs what is queued (or drops it), then ends the thread. Idempotent; not from the thread itself.
  void stop(bool dropQueued);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lstm
