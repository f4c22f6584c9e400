"""Reports for people: one self-contained HTML file a case, and one a cohort, readable offline and printable."""
