"""How good an answer or an explanation is, measured beside what needs no model."""
