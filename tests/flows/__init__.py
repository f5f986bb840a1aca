"""Random flows that are valid: cases, the sketch that each graph is drawn by, and its parts."""
