#pragma once

#include <vector>

#include "engine/session.h"

// Small networks that between them use every op of a device, and batches for them.
lstm::NetworkConfig tokenNetwork();
lstm::NetworkConfig featureNetwork();
// Two outputs, a class each step by the embedding's own table and two numbers, which take tokenBatch.
lstm::NetworkConfig headsNetwork();
lstm::BatchInput tokenBatch(int number);
lstm::BatchInput featureBatch(int number);
lstm::TargetInput idTargets(int number);     // for tokenNetwork
lstm::TargetInput valueTargets(int number);  // for featureNetwork
std::vector<lstm::TargetInput> headTargets(int number);
lstm::UpdateConfig adamUpdate();
lstm::UpdateConfig sgdUpdate();
