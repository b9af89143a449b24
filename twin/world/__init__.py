"""The world of one run: clock, board and faults around plant and firmware."""
