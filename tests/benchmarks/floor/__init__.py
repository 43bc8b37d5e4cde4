"""The floor: a hand-written server for the four operations alone, with the fastest SQL known for each."""
