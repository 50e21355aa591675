"""Just-in-time compilation of kernels with LLVM, for this CPU."""
