"""The black-box methods of Section 2.1, one file per system; ``scoring`` says what they may ask, and of whom."""
