"""The faces of management: each shows the same flows in the words of one seed."""
