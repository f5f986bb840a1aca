"""The whole of Gatehouse on one machine, on real servers from wheels."""
