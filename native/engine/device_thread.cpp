#include "engine/device_thread.h"

#include <utility>

namespace lstm {

DeviceThread::DeviceThread() : thread_([this] { run(); }) {}

DeviceThread::~DeviceThread() {
  stop(false);
}

bool DeviceThread::post(std::function<void()> job) {
  return push({std::move(job), nullptr});
}

bool DeviceThread::postInHalves(std::function<std::function<void()>()> begin) {
  return push({nullptr, std::move(begin)});
}

bool DeviceThread::push(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

bool DeviceThread::runHere(const std::function<void()>& job) {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return stopping_ || (queue_.empty() && !working_); });
  if (stopping_) return false;
  job();
  return true;
}

void DeviceThread::stop(bool dropQueued) {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (dropQueued) dropped.swap(queue_);
  }
  wake_.notify_one();
  idle_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DeviceThread::endOldest() {
  const std::function<void()> end = std::move(underWay_.front());
  underWay_.pop_front();
  end();
}

void DeviceThread::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      working_ = !underWay_.empty();
      if (!working_) idle_.notify_all();
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || !underWay_.empty(); });
      if (queue_.empty() && underWay_.empty()) return;
      if (!queue_.empty()) {
        job = std::move(queue_.front());
        queue_.pop_front();
      }
      working_ = true;
    }
    if (job.begin) {
      while (underWay_.size() >= kMostUnderWay) endOldest();
      if (std::function<void()> end = job.begin()) underWay_.push_back(std::move(end));
    } else if (job.whole) {
      while (!underWay_.empty()) endOldest();
      job.whole();
    } else {
      endOldest();
    }
  }
}

}  // namespace lstm
