"""The web book: the student chapters as pages that need no kernel and no network (``make site``).

``build`` copies the committed notebooks and the pages of this folder, adds what is generated (notation, glossary,
errata), and lets Sphinx with MyST-NB and Furo make HTML of them. Figures that compute in the page come to life
(``boards``); the others show their still picture.
"""
