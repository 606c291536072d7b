#include "engine/device_thread.h"

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

using namespace lstm;

namespace {

// What ran, in order. The thread's first job waits until everything is queued.
class Log {
 public:
  explicit Log(DeviceThread& thread) : thread_(thread) {
    thread_.post([ready = ready_.get_future().share()] { ready.wait(); });
  }
  void whole(const std::string& name) {
    thread_.post([this, name] { text_ += name + " "; });
  }
  void halves(const std::string& name, bool endsAtOnce = false) {
    thread_.postInHalves([this, name, endsAtOnce]() -> std::function<void()> {
      text_ += "+" + name + " ";
      if (endsAtOnce) return nullptr;
      return [this, name] { text_ += "-" + name + " "; };
    });
  }
  std::string run(bool dropQueued = false) {
    ready_.set_value();
    thread_.stop(dropQueued);
    return text_;
  }

 private:
  DeviceThread& thread_;
  std::promise<void> ready_;
  std::string text_;
};

}  // namespace

TEST("jobs in halves overlap, two of them at most, and end in the order of their beginnings") {
  DeviceThread thread;
  Log log(thread);
  for (const char* name : {"a", "b", "c"}) log.halves(name);
  CHECK(log.run() == "+a +b -a +c -b -c ");
}

TEST("a job in one piece runs when everything before it has ended") {
  DeviceThread thread;
  Log log(thread);
  log.whole("x");
  log.halves("a");
  log.halves("b");
  log.whole("y");
  log.halves("c");
  CHECK(log.run() == "x +a +b -a -b y +c -c ");
}

TEST("a job that ends in its beginning leaves what is under way to go on") {
  DeviceThread thread;
  Log log(thread);
  log.halves("a");
  log.halves("b", true);
  log.halves("c");
  CHECK(log.run() == "+a +b +c -a -c ");
}

TEST("a device thread that stops ends what is under way") {
  DeviceThread thread;
  std::promise<void> begun;
  bool ended = false;
  thread.postInHalves([&]() -> std::function<void()> {
    begun.set_value();
    return [&] { ended = true; };
  });
  begun.get_future().wait();
  thread.stop(true);
  CHECK(ended);
  CHECK(!thread.postInHalves([]() -> std::function<void()> { return nullptr; }));
}

TEST("a job run here runs on the calling thread, behind everything that was posted") {
  DeviceThread thread;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i)
    thread.post([&order, i] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      order.push_back(i);
    });
  std::thread::id ranOn;
  CHECK(thread.runHere([&] {
    order.push_back(5);
    ranOn = std::this_thread::get_id();
  }));
  CHECK(ranOn == std::this_thread::get_id());
  CHECK((order == std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST("a job run here may throw, and the thread goes on") {
  DeviceThread thread;
  bool caught = false;
  try {
    thread.runHere([] { throw std::runtime_error("expected"); });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  CHECK(caught);
  bool ran = false;
  thread.post([&] { ran = true; });
  CHECK(thread.runHere([] {}));
  CHECK(ran);
  thread.stop(false);
  CHECK(!thread.runHere([] {}));
}
