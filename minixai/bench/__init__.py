"""``minixai bench``: the engine against PyTorch and Captum, on this machine, as anyone can run it again.

``timing`` has the arithmetic, ``subjects`` what is measured and how much of it, ``peers`` the other side; ``parts`` are
the measurements, ``children`` those that need a process of their own; ``report`` writes down what was found,
``machine`` on what; ``mirror`` times ``minixai.pytorch`` against the bare autograd call.
"""
