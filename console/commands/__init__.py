"""The commands of ``kado``, one group a file; heavy imports stay inside the functions."""
