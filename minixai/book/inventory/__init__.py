"""The inventory: fourteen questions before the course, after it, and two weeks later. Did the book work?

``items`` has the questions as templates, ``forms`` makes form A and B of them, ``answers`` keeps what a reader said on
the reader's own machine, ``gains`` compares before and after, ``minixai/quiz.py`` asks.
"""
