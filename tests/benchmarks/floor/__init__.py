"""The floor: a server written by hand for the four operations alone, with the best SQL we know for each."""
