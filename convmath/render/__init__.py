"""From reports to text: one module per format, each with ``render(analysis, …) -> str``."""
