#pragma once

#include <string>
#include <vector>

// Where the libraries of NVIDIA may lie. Every list is in the order of trying, without repetitions.
namespace lstm::gpu {

// CUDNN_LSTM_CUDNN (a folder or a file) alone when it is set. Else CUDNN_ROOT and CUDNN_PATH; the plain name, which
// honours LD_LIBRARY_PATH and the loader's cache; Python's site-packages of CUDNN_LSTM_PYTHON, VIRTUAL_ENV,
// CONDA_PREFIX, the home folder and the system; CUDA_HOME, CUDA_PATH and /usr/local/cuda; the distribution's folders.
std::vector<std::string> cudnnPaths();

// A library of the CUDA toolkit (`name` is its file's): beside cuDNN as the wheels lay it, then as above.
std::vector<std::string> toolkitPaths(const std::string& name, const std::string& cudnnFolder);

std::string folderOf(const std::string& path);

}  // namespace lstm::gpu
