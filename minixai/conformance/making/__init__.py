"""How the vectors are made: tiny networks are drawn, explained in exact fractions, and derived a second time.

In the order in which a case goes through them: ``networks`` and ``families`` draw, ``methods`` asks the engine,
``confirm`` and ``witness`` derive the same again, ``precision`` says how close a program can come; ``layers`` does it
for single layers and ``measures`` for metrics, ``wrong`` breaks what is sound, and ``generate`` writes the files.
"""
