#pragma once

#include "engine/session.h"

// Two small networks that between them use every op of a device, and batches for them.
lstm::NetworkConfig tokenNetwork();
lstm::NetworkConfig featureNetwork();
lstm::BatchInput tokenBatch(int number);
lstm::BatchInput featureBatch(int number);
lstm::TargetInput idTargets(int number);     // for tokenNetwork
lstm::TargetInput valueTargets(int number);  // for featureNetwork
lstm::UpdateConfig adamUpdate();
lstm::UpdateConfig sgdUpdate();
