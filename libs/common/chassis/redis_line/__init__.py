"""Commands of one loop tick reach Redis in one write; redis-py owns the connections."""
