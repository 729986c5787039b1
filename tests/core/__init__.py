"""Tests of the network, its tape, the walk over it, and the front door: explain, explain_all and what they refuse."""
