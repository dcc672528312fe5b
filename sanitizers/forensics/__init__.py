"""The proof that a clone holds nothing of its original: every place searched for what must not be there."""
