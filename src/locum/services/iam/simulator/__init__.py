"""The policy simulator: what a call would be answered, by the evaluator that answers calls."""
