"""The experiments behind the discussion (Section 7): each one function, one figure, one JSON file in data/results.

``EXPERIMENTS`` lists those that test a claim of the survey; ``localisation`` compares all methods and tests none.
``record`` is what they find and how a verdict is reached, ``intervals`` how sure a number is, ``subjects`` what they
look at, ``results`` where it is stored. Every rule stands in its experiment's docstring, and was written before the
measurement. Trials with a few pictures came first, to see that everything runs; where one changed a rule, it says so.
"""

from minixai.experiments.record import Claim, Outcome, Panel, Row, Statement
from minixai.experiments.registry import EXPERIMENTS, Experiment
from minixai.experiments.results import stored

__all__ = ["EXPERIMENTS", "Claim", "Experiment", "Outcome", "Panel", "Row", "Statement", "stored"]
