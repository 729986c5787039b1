"""What a teacher needs beside the chapters: the pack (``pack``), hand-ins with every student's own numbers
(``variants``), grading (``grade``; ``sandbox`` keeps students' code away from the judge), nbgrader (``nbgrader``).

Everything is made from what the book has anyway: the sources, the exercises as data, the numbers; and from one file per
chapter that is written by hand, its lesson plan (``minixai/book/plans/NN.toml``, see ``plans``).
"""
