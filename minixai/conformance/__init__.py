"""Reference vectors for other implementations: exact numbers, who confirms them, and how to check a program by them.

``vectors`` reads files that may come from anywhere, ``form`` says how networks and numbers are written down.
``adapters`` and ``peers`` are the programs that can be checked in this process, ``program`` one in any language;
``runner`` asks, ``judge`` compares, ``deviations`` knows what libraries are known to do otherwise, ``variants`` what a
wrong answer is instead. ``commands`` is the command line, over ``asking``, ``runs``, ``single`` and ``reports``;
``plugin`` is for pytest, ``lint`` checks the vectors themselves. How they are made is in ``making``.
"""
