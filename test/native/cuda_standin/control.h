#pragma once

#include <stdint.h>

#include "cuda/runtime.h"

// What tests may ask of the stand-in beside the table. The stand-in is a library of its own (it is opened like the
// real one), so these are C functions that it exports. State is the process's; reset() starts a test.
//
// Failures can also be asked for in the environment: CUDNN_LSTM_STANDIN_FAIL="rnnForward:3:5" makes the third call of
// rnnForward give status 5.
#ifdef __cplusplus
extern "C" {
#endif

// Forgets counts, failures, costs and violations; live objects stay.
void cudnn_lstm_cuda_standin_reset(void);

// The nth call (from 1) of a table function from now on gives this status; kRuntimeLost loses the context.
void cudnn_lstm_cuda_standin_fail(const char* call, int nth, RuntimeStatus status);
// How often a function was called since the reset.
int cudnn_lstm_cuda_standin_calls(const char* call);
// Names of the functions that can fail, by index; null behind the last.
const char* cudnn_lstm_cuda_standin_name(int index);

// Breaches of the table's rules since the reset: pointers outside of live memory, changed forward tensors, wrong
// order, overwritten guard zones. The text names the first.
int cudnn_lstm_cuda_standin_violations(void);
const char* cudnn_lstm_cuda_standin_first_violation(void);
// Looks at the guard zones of all live memory now; counts as violations what was overwritten.
void cudnn_lstm_cuda_standin_check_guards(void);
// Contexts, allocations (device and pinned), RNNs and graphs that live.
int cudnn_lstm_cuda_standin_live(void);

// The clock of timeStart and timeStop counts these milliseconds for every RNN call; 1 after a reset.
void cudnn_lstm_cuda_standin_set_cost(RuntimeRnnAlgorithm algorithm, double milliseconds);
// Forward calls that ran with an algorithm since the reset.
int cudnn_lstm_cuda_standin_forwards(RuntimeRnnAlgorithm algorithm);
// The most fetches that were begun and not yet collected at one time since the reset.
int cudnn_lstm_cuda_standin_most_under_way(void);
// Compute capability and memory of the devices made up here; 8.0 and 1 GiB after a reset.
void cudnn_lstm_cuda_standin_set_device(int computeMajor, uint64_t totalBytes);

#ifdef __cplusplus
}
#endif
