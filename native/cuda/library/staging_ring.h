#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace lstm::gpu {

// A ring of slots, each a piece of pinned memory and one of device memory. A large copy goes
//   caller -> pinned slot -> (copy stream) device slot -> (compute stream, behind the event) its place
// so that the way over the bus overlaps with the work before it, which may still read that place. A small one goes
// from the pinned slot to its place on the compute stream: an event and a second copy would cost more. The caller's
// memory is free at return. A slot is written anew when its last copy has left it; more than a slot holds goes through
// several.
//
// Streams is what the ring asks of CUDA, with Event a type of its own:
//   toSlot(device, pinned, bytes), toPlace(device, pinned, bytes)   host to device, on the copy / the compute stream
//   within(to, from, bytes)                                         device to device, on the compute stream
//   recordArrival(event), awaitArrival(event)                       on the copy stream; the compute stream waits
//   recordDeparture(event), awaitDeparture(event)                   on the compute stream; the host waits
template <typename Streams>
class StagingRing {
 public:
  using Event = typename Streams::Event;
  struct Slot {
    Event arrival;
    Event departure;
    bool isUsed = false;
  };

  // `pinned` and `device`: slots.size() * slotBytes each, the caller's.
  StagingRing(Streams& streams, std::vector<Slot> slots, size_t slotBytes, size_t directBytes,
              unsigned char* pinned, unsigned char* device)
      : streams_(streams),
        slots_(std::move(slots)),
        slotBytes_(slotBytes),
        directBytes_(directBytes),
        pinned_(pinned),
        device_(device) {}

  void copyIn(void* to, const void* from, size_t bytes) {
    auto* place = static_cast<unsigned char*>(to);
    const auto* host = static_cast<const unsigned char*>(from);
    for (size_t done = 0; done < bytes;) {
      const size_t take = std::min(slotBytes_, bytes - done);
      send(place + done, host + done, take, bytes <= directBytes_);
      done += take;
    }
  }

 private:
  void send(unsigned char* place, const unsigned char* host, size_t bytes, bool isDirect) {
    Slot& slot = slots_[next_];
    unsigned char* pinned = pinned_ + next_ * slotBytes_;
    unsigned char* staged = device_ + next_ * slotBytes_;
    next_ = (next_ + 1) % slots_.size();
    if (slot.isUsed) streams_.awaitDeparture(slot.departure);
    std::memcpy(pinned, host, bytes);
    if (isDirect) {
      streams_.toPlace(place, pinned, bytes);
    } else {
      streams_.toSlot(staged, pinned, bytes);
      streams_.recordArrival(slot.arrival);
      streams_.awaitArrival(slot.arrival);
      streams_.within(place, staged, bytes);
    }
    streams_.recordDeparture(slot.departure);
    slot.isUsed = true;
  }

  Streams& streams_;
  std::vector<Slot> slots_;
  size_t slotBytes_;
  size_t directBytes_;
  unsigned char* pinned_;
  unsigned char* device_;
  size_t next_ = 0;
};

}  // namespace lstm::gpu
