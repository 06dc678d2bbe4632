"""Step prove: was each passed test real? Only what both sides saw is."""

from untilgreen.prove.doubts import DOUBTS, Doubt, Sides
from untilgreen.prove.step import prove, prove_run, read_proofs, summarise

__all__ = ["DOUBTS", "Doubt", "Sides", "prove", "prove_run", "read_proofs", "summarise"]
