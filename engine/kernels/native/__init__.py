"""The kernels in C: `library` loads what was compiled when docsearch was installed, and chooses an instruction set."""
