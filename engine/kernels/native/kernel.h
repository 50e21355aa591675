/* What each kernel's source includes. It is compiled once for each instruction set, with INSTRUCTIONS as its name.

`KERNEL(scan)(const float *values, ...) { ... }` defines the function that `library.function("scan", ...)` finds. Helpers
are static, so that those of one instruction set are never linked to the kernels of another. */

#ifndef DOCSEARCH_KERNEL_H
#define DOCSEARCH_KERNEL_H

#include <stdint.h>

#ifndef INSTRUCTIONS
#define INSTRUCTIONS scalar
#endif

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#define JOINED(name, instructions) docsearch_##name##_##instructions
#define NAMED(name, instructions) JOINED(name, instructions)
#define KERNEL(name) EXPORT void NAMED(name, INSTRUCTIONS)

#endif
