"""How other counters count, as tables, and the way from convmath's MACs to what they print."""
