#include "cuda/rnn.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "shapes.h"

using namespace lstm;

// Which algorithm serves which batch. The stand-in's clock counts what a test says that an algorithm costs.
namespace {

// Runs one training forward and says which algorithm it ran with.
RuntimeRnnAlgorithm servedBy(Device& device, const LstmConfig& config, const BatchShape& shape) {
  const auto op = device.makeLstm(config);
  const On<float> weights(device, std::vector<float>(lstmLayout(config).size, 0.1f));
  const On<float> x(device, std::vector<float>(shape.rows * config.inputSize, 0.5f));
  const On<float> y(device, std::vector<float>(shape.rows * config.directions() * config.outputSize()));
  const On<float> reserve(device, std::vector<float>(op->reserveFloats(shape, true)));
  const On<float> workspace(device, std::vector<float>(op->workspaceFloats(shape, true)));
  int before[4];
  for (int a = 0; a < 4; ++a) before[a] = standIn().forwards(static_cast<RuntimeRnnAlgorithm>(a));
  op->forward({shape,
               weights.data(),
               1,
               x.data(),
               nullptr,
               nullptr,
               y.data(),
               nullptr,
               nullptr,
               reserve.data(),
               workspace.data(),
               true,
               {}});
  for (int a = 0; a < 4; ++a)
    if (standIn().forwards(static_cast<RuntimeRnnAlgorithm>(a)) > before[a])
      return static_cast<RuntimeRnnAlgorithm>(a);
  throw harness::Failure{"no forward ran"};
}

const LstmConfig kSmall = {3, 4, 1};

}  // namespace

TEST("the fastest legal RNN algorithm serves, by the clock of the device") {
  for (int fastest = 0; fastest < 4; ++fastest)
    onStandIn({}, [&](Device& device) {
      standIn().setCost(static_cast<RuntimeRnnAlgorithm>(fastest), 0.25);
      CHECK(servedBy(device, kSmall, shapeOf(2, 3)) == fastest);
    });
}

TEST("of equally fast RNN algorithms the standard one serves") {
  onStandIn({}, [&](Device& device) { CHECK(servedBy(device, kSmall, shapeOf(2, 3)) == kRnnStandard); });
}

TEST(
    "unequal lengths, a single bias and projection leave the standard RNN algorithm, and nothing is timed "
    "for them") {
  onStandIn({}, [&](Device& device) {
    standIn().setCost(kRnnPersistStatic, 0.1);
    CHECK(servedBy(device, kSmall, shapeOf(2, 3, {3, 1})) == kRnnStandard);
    CHECK(servedBy(device, {3, 4, 1, false, BiasMode::kSingle}, shapeOf(2, 3)) == kRnnStandard);
    CHECK(servedBy(device, {3, 4, 1, false, BiasMode::kNone}, shapeOf(2, 3)) == kRnnStandard);
    CHECK(servedBy(device, {3, 4, 1, false, BiasMode::kDouble, 0, 2}, shapeOf(2, 3)) == kRnnStandard);
    CHECK(standIn().calls("timeStart") == 0);
  });
}

TEST("an RNN algorithm that the library refuses, at once or in the backward pass, is skipped") {
  onStandIn({}, [&](Device& device) {
    standIn().setCost(kRnnSmallH, 0.1);
    standIn().setCost(kRnnPersistStatic, 0.5);
    CHECK(servedBy(device, {1, 200, 1}, shapeOf(1, 1)) == kRnnPersistStatic);  // small-H: H <= 192
    CHECK(servedBy(device, {1, 150, 1}, shapeOf(1, 1)) == kRnnPersistStatic);  // its backward: H <= 128
    CHECK(servedBy(device, {1, 100, 1}, shapeOf(1, 1)) == kRnnSmallH);
  });
}

TEST("the choice of an RNN algorithm is made once per shape and kept") {
  onStandIn({}, [&](Device& device) {
    const auto op = device.makeLstm(kSmall);
    standIn().setCost(kRnnPersistStatic, 0.5);
    op->reserveFloats(shapeOf(2, 3), true);
    const int timed = standIn().calls("timeStart");
    CHECK(timed == 4 * 4);
    op->reserveFloats(shapeOf(2, 3), true);
    op->workspaceFloats(shapeOf(2, 3), true);
    CHECK(standIn().calls("timeStart") == timed);
    op->reserveFloats(shapeOf(2, 4), true);
    CHECK(standIn().calls("timeStart") == 2 * timed);
  });
}

TEST("without the memory for a measurement the standard RNN algorithm serves") {
  cuda::CudaDeviceOptions options;
  options.memoryLimitBytes = 4000;  // the stand-in's reserve of this shape alone is larger
  onStandIn(options, [&](Device& device) {
    standIn().setCost(kRnnPersistStatic, 0.1);
    const auto op = device.makeLstm(kSmall);
    CHECK(op->reserveFloats(shapeOf(8, 8), true) > 1000);
    CHECK(standIn().forwards(kRnnPersistStatic) == 0);
  });
}

TEST("rnnAlgorithm fixes the algorithm, refuses what the library refuses, and knows its names") {
  cuda::CudaDeviceOptions options;
  for (const auto& [name, algorithm] :
       std::vector<std::pair<std::string, RuntimeRnnAlgorithm>>{{"standard", kRnnStandard},
                                                                {"persistStatic", kRnnPersistStatic},
                                                                {"persistDynamic", kRnnPersistDynamic},
                                                                {"smallH", kRnnSmallH}}) {
    options.rnnAlgorithm = name;
    onStandIn(options, [&](Device& device) {
      CHECK(servedBy(device, kSmall, shapeOf(2, 3)) == algorithm);
      CHECK(standIn().calls("timeStart") == 0);
    });
  }
  const auto refuses = [](const auto& body) {
    try {
      body();
    } catch (const InvalidArgument& error) {
      return std::string(error.what()).find("rnnAlgorithm") != std::string::npos;
    }
    return false;
  };
  onStandIn(options, [&](Device& device) {  // smallH
    CHECK(refuses([&] { device.makeLstm({3, 300, 1}); }));
    CHECK(refuses([&] { device.makeLstm({3, 4, 1, false, BiasMode::kSingle}); }));
    CHECK(refuses([&] { servedBy(device, kSmall, shapeOf(2, 3, {3, 1})); }));
  });
  options.rnnAlgorithm = "fastest";
  CHECK(refuses([&] { cuda::makeCudaDevice(standIn().runtime, options); }));
}
