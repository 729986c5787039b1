"""Tests of the layers: exact adjoints, PyTorch, the compiled twins, Appendix A, numbers by hand, bad input."""
