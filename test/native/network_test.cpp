#include <algorithm>

#include "cpu/cpu_device.h"
#include "engine/network.h"
#include "engine/session.h"
#include "harness.h"

using namespace lstm;

namespace {

// Dense layers of odd sizes around LSTMs, so that blocks would start anywhere without alignment.
NetworkConfig oddNetwork(float dropout, int projectionSize) {
  NetworkConfig config;
  config.inputSize = 3;
  DenseNode in;
  in.units = 5;
  LstmNode stack;
  stack.lstm.hiddenSize = 7;
  stack.lstm.numLayers = 3;
  stack.lstm.bidirectional = true;
  stack.lstm.dropout = dropout;
  stack.lstm.projectionSize = projectionSize;
  for (ParameterConfig* weight : {&in.weight, &stack.weightIh, &stack.weightHh, &stack.weightHr})
    weight->initializer.kind = InitializerKind::kXavier;
  DenseNode out = in;
  out.units = 3;
  config.nodes = {{"in", -1, in}, {"first", 0, stack}, {"second", 1, stack}, {"out", 2, out}};
  return config;
}

// Elements that belong to no tensor.
std::vector<int64_t> gapsOf(const ParameterLayout& layout) {
  std::vector<int64_t> gaps;
  int64_t end = 0;
  for (const TensorRow& row : layout.rows()) {
    CHECK(row.offset >= end);
    for (; end < row.offset; ++end) gaps.push_back(end);
    end += row.size;
  }
  CHECK(end == layout.size());
  return gaps;
}

void requireZero(Session& session, ArenaKind arena, const std::vector<int64_t>& gaps) {
  std::vector<float> values;
  session.read(arena, values);
  CHECK(std::any_of(values.begin(), values.end(), [](float value) { return value != 0; }) ||
        arena == ArenaKind::kGrads);
  for (int64_t at : gaps) CHECK(values[at] == 0);
}

}  // namespace

TEST(
    "weight spaces and dense blocks start at multiples of 128 elements in the arenas, with gaps only before "
    "them") {
  for (float dropout : {0.0f, 0.3f})
    for (int projectionSize : {0, 2}) {
      const Network network(oddNetwork(dropout, projectionSize));
      int64_t before = 0;
      for (const Node& node : network.nodes()) {
        const auto* lstm = std::get_if<LstmNode>(&node.config.kind);
        if (!lstm && !std::holds_alternative<DenseNode>(node.config.kind)) {
          CHECK(node.paramOffset == before);
        } else {
          CHECK(node.paramOffset % 128 == 0);
          CHECK(node.paramOffset - before < 128);
        }
        if (lstm) {
          const LstmLayout block = lstmLayout(lstm->lstm);
          CHECK(node.paramSize == block.size);
          if (dropout > 0)
            for (int layer = 0; layer < 3; ++layer) CHECK(block.tensors[2 * layer].weightIh % 128 == 0);
        }
        before = node.paramOffset + node.paramSize;
      }
      CHECK(network.layout().size() == before);
      CHECK(!gapsOf(network.layout()).empty());
    }
}

TEST("a projection's tensors stand behind the recurrent ones of their layer and direction") {
  const Network network(oddNetwork(0, 2));
  std::vector<std::string> names;
  for (const Parameter& parameter : network.layout().parameters())
    if (parameter.name.starts_with("first.") && parameter.name.find("_l1") != std::string::npos)
      names.push_back(parameter.name + std::to_string(parameter.shape[0]) + "x" +
                      std::to_string(parameter.size / parameter.shape[0]));
  const std::vector<std::string> expected = {
      "first.weight_ih_l128x4",         "first.weight_hh_l128x2",         "first.weight_hr_l12x7",
      "first.weight_ih_l1_reverse28x4", "first.weight_hh_l1_reverse28x2", "first.weight_hr_l1_reverse2x7",
      "first.bias_ih_l128x1",           "first.bias_hh_l128x1",           "first.bias_ih_l1_reverse28x1",
      "first.bias_hh_l1_reverse28x1"};
  CHECK(names == expected);
}

TEST("what lies between tensors is zero in every arena, and stays so while training") {
  const auto device = makeCpuDevice({2, ""});
  Session session(oddNetwork(0.3f, 3), *device);
  session.initialize();
  const std::vector<int64_t> gaps = gapsOf(session.network().layout());
  harness::Random random(5);
  BatchInput batch;
  batch.batchSize = 2;
  batch.timeSteps = 4;
  batch.features = random.floats(2 * 4 * 3);
  TargetInput targets;
  targets.values = random.floats(2 * 4 * 3);
  UpdateConfig update;
  update.kind = UpdateKind::kAdam;
  update.learningRate = 0.1f;
  update.beta1 = 0.9f;
  update.beta2 = 0.99f;
  update.epsilon = 1e-8f;
  update.clip = ClipKind::kGlobalNorm;
  update.clipLimit = 1;
  for (int step = 0; step < 3; ++step)
    CHECK(session.trainStep(batch, targets, update, CancelCheck{}).second.applied);
  for (ArenaKind arena : {ArenaKind::kParams, ArenaKind::kGrads, ArenaKind::kM, ArenaKind::kV})
    requireZero(session, arena, gaps);
  std::vector<float> gradients, inputGradient;
  session.gradients(batch, targets, gradients, inputGradient, CancelCheck{});
  for (int64_t at : gaps) CHECK(gradients[at] == 0);
}

TEST("states are h of the projection's size and c of the hidden size, node after node") {
  const Network network(oddNetwork(0, 2));
  CHECK(network.stateSize() == 2 * 3 * 2 * (2 + 7));
  CHECK(network.nodes()[1].out.channels == 2 * 2);
  for (int size : {-1, 7, 8}) {
    bool refused = false;
    try {
      Network{oddNetwork(0, size)};
    } catch (const InvalidArgument&) {
      refused = true;
    }
    CHECK(refused);
  }
}
