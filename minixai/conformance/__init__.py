"""Reference vectors for other implementations: exact numbers, who confirms them, and how to check a program by them.

``form`` says how networks and numbers are written down, ``vectors`` reads files that may come from anywhere,
``generate`` computes them in fractions and has ``witness`` confirm them, ``variants`` are the conventions and mistakes
they tell apart, ``adapters`` are the programs that can be checked, ``runner`` asks them and ``judge`` compares.
"""
